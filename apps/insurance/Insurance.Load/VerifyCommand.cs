using System.CommandLine;
using Confluent.Kafka;
using Insurance.Contracts;
using Insurance.Load.Journal;
using Insurance.Load.Verification;
using Npgsql;

namespace Insurance.Load;

/// <summary><c>verify</c>: compares what the gateway acknowledged with what the ledgers hold.</summary>
internal static class VerifyCommand
{
    private const string DatabaseVariable = "ONCEWARD_POSTGRES";
    private const string LatestRun = "latest";

    public static Command Create()
    {
        var run = new Option<string>("--run") { Description = "The run, by its id.", DefaultValueFactory = _ => LatestRun };
        var all = new Option<bool>("--all") { Description = "Every run that has a journal." };
        var deadline = new Option<TimeSpan>("--deadline")
        {
            Description = "How long to wait for the workers before comparing all the same.",
            CustomParser = Duration.Parse,
            DefaultValueFactory = _ => TimeSpan.FromSeconds(120),
        };
        var command = new Command("verify", "Compares what was acknowledged with what took effect: lost, duplicated, out of order.") { run, all, deadline };
        command.Validators.Add(result =>
        {
            if (result.GetResult(run) is { Implicit: false } && result.GetValue(all))
                result.AddError("--run and --all exclude each other.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var directory = JournalFiles.Directory;
            var chosen = parsed.GetValue(run)!;
            IReadOnlyList<string> runs = parsed.GetValue(all) ? JournalFiles.All(directory) : [chosen == LatestRun ? JournalFiles.Latest(directory) : chosen];
            return await GuardAsync(() => RunAsync(directory, runs, parsed.GetValue(deadline), cancellationToken));
        });
        return command;
    }

    private static async Task<int> RunAsync(string directory, IReadOnlyList<string> runs, TimeSpan deadline, CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable(DatabaseVariable) is not { Length: > 0 } connectionString)
            throw new ToolException($"{DatabaseVariable} is not set: the connection string of the system's database.");
        using var kafka = KafkaClient.FromEnvironment();
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        var comparison = new LedgerComparison(connection);
        await comparison.RequireCountableAsync(cancellationToken);
        var entries = runs.SelectMany(run => Entries(directory, run));
        var acknowledged = await comparison.LoadJournalAsync(runs, entries, cancellationToken);
        Console.WriteLine(runs.Count == 1
            ? $"Run {runs[0]}: {acknowledged:N0} events acknowledged"
            : $"{runs.Count} runs, {runs[0]} to {runs[^1]}: {acknowledged:N0} events acknowledged");

        var drain = new Drain(new LedgerProgress(connection), kafka, TimeProvider.System);
        if (await drain.WaitAsync(deadline, left => Console.WriteLine($"Waiting: {left}"), cancellationToken) is { } left)
            Console.WriteLine($"After {deadline.TotalSeconds:0} s the workers are not through: {left}. Comparing all the same.");

        var result = await CompareAsync(comparison, new PremiumTopic(kafka, runs.ToHashSet()), kafka, cancellationToken);
        VerifyReport.Write(result);
        return result.IsFine ? ExitCodes.Fine : ExitCodes.Findings;
    }

    private static async Task<Comparison> CompareAsync(
        LedgerComparison comparison, PremiumTopic premiums, KafkaClient kafka, CancellationToken cancellationToken)
    {
        var partitions = (await kafka.EndsAsync(Topology.AutoPremiums.Name)).Keys;
        await comparison.LoadPremiumsAsync(premiums.Read(partitions, cancellationToken), cancellationToken);
        await premiums.ReadDeadLettersAsync(cancellationToken);
        var result = await comparison.CompareAsync(premiums.Channels.Finish(), cancellationToken);
        return result with
        {
            Consistency = [.. result.Consistency, new ConsistencyFinding("a record on auto.premiums is a premium", new Finding(premiums.Undecodable, []))],
        };
    }

    private static IEnumerable<JournalEntry> Entries(string directory, string run)
    {
        var isFinished = false;
        foreach (var line in JournalFiles.Read(directory, run))
        {
            isFinished |= line.Footer is not null;
            if (line is { EventId: { } eventId, PolicyId: { } policyId, Partition: { } partition, Offset: { } offset })
                yield return new JournalEntry(eventId, policyId, partition, offset, line.Kind ?? "");
        }

        if (!isFinished)
            Console.WriteLine($"The journal of {run} has no last line: the run goes on, or was killed. What it acknowledged so far is compared.");
    }

    // What a user can put right is one line; anything else is a fault of this program, and keeps its stack.
    private static async Task<int> GuardAsync(Func<Task<int>> command)
    {
        try
        {
            return await command();
        }
        catch (PostgresException exception)
        {
            throw new ToolException($"PostgreSQL refuses: {exception.MessageText} ({exception.SqlState})", exception);
        }
        catch (NpgsqlException exception)
        {
            throw new ToolException($"PostgreSQL cannot be reached as {DatabaseVariable} says: {exception.Message}", exception);
        }
        catch (ArgumentException exception) when (exception.Source == "Npgsql")
        {
            // The message may quote the value, which may hold a password.
            throw new ToolException($"{DatabaseVariable} is no connection string of Npgsql: write Host=…;Username=…;Database=….", exception);
        }
        catch (KafkaException exception)
        {
            throw new ToolException($"Kafka cannot be read as KAFKA_BOOTSTRAP_SERVERS says: {exception.Error.Reason}", exception);
        }
    }
}
