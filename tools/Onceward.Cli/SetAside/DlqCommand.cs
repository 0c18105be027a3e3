using System.CommandLine;

namespace Onceward.Cli.SetAside;

/// <summary><c>onceward dlq</c>: dead letters.</summary>
internal static class DlqCommand
{
    public static Command Create(Servers servers, TextWriter output) => new("dlq", "Dead letters: records whose attempts are spent, or that can never succeed.")
    {
        List(servers, output),
        Show(servers, output),
        Change(
            servers, output, "retry", "Sends letters back to their keys, at their old places; refused where that would break the order of a key.", canForce: true,
            (letters, filter, decision, token) => letters.RetryAsync(filter, decision, token)),
        Change(servers, output, "discard", "Says of letters that they shall never be applied.", canForce: false, (letters, filter, decision, token) => letters.DiscardAsync(filter, decision, token)),
        Edit(servers, output),
    };

    private static Command List(Servers servers, TextWriter output)
    {
        var filters = new Filters();
        var command = filters.AddTo(new Command("list", "A line for each letter, the open ones unless --state says otherwise."), letters: true, changes: false);
        command.SetAction(async (parsed, token) =>
        {
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            var letters = await new DeadLetters(database).ListAsync(filters.Read(parsed, letters: true, state: "open"), token);
            var table = new TextTable("ID", "WORKER", "TOPIC", "RECORD", "KEY", "STATE", "ATTEMPTS", "AT", "REASON");
            foreach (var l in letters)
                table.Add(l.Id, l.Worker, l.Topic, $"{l.Partition}@{l.Offset}", Filters.TextOf(l.Key), l.State, l.Attempts, $"{l.At:u}", l.Reason);
            table.WriteTo(output, "No dead letter matches.");
            return ExitCodes.Fine;
        });
        return command;
    }

    private static Command Show(Servers servers, TextWriter output)
    {
        var filters = new Filters();
        var command = filters.AddTo(new Command("show", "Each letter with its error, its value and its history."), letters: true, changes: false);
        command.SetAction(async (parsed, token) =>
        {
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            var store = new DeadLetters(database);
            foreach (var l in await store.ListAsync(filters.Read(parsed, letters: true), token))
            {
                output.WriteLine($"{l.Id}: {l.Worker} {l.Topic} {l.Partition}@{l.Offset} key {Filters.TextOf(l.Key) ?? "-"}: {l.State}, {l.Attempts} attempts, {l.Reason}");
                output.WriteLine(l.Error);
                output.WriteLine($"  value: {Filters.TextOf(l.Value) ?? "-"}");
                foreach (var line in await store.HistoryAsync(l.Id, token))
                    output.WriteLine($"  {line}");
            }
            return ExitCodes.Fine;
        });
        return command;
    }

    private static Command Change(
        Servers servers, TextWriter output, string name, string description, bool canForce,
        Func<DeadLetters, SetAsideFilter, Intervention, CancellationToken, Task<IReadOnlyList<Outcome>>> change)
    {
        var filters = new Filters();
        var command = filters.AddTo(new Command(name, description), letters: true, changes: true, canForce);
        command.SetAction(async (parsed, token) =>
        {
            // A letter that is named is answered about whatever its state; of many only the open ones are meant.
            var filter = filters.Read(parsed, letters: true);
            var decision = filters.Decision(parsed, canForce);
            Filters.RequireNarrow(filter);
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            return Filters.Write(
                await change(new DeadLetters(database), filter.Id is null && filter.State is null ? filter with { State = "open" } : filter, decision, token), decision.DryRun, output);
        });
        return command;
    }

    private static Command Edit(Servers servers, TextWriter output)
    {
        var id = new Option<long>("--id") { Description = "The letter.", Required = true };
        var file = new Option<FileInfo>("--value-file") { Description = "The new value, byte for byte.", Required = true };
        var dryRun = new Option<bool>("--dry-run") { Description = "Say what would happen, and change nothing." };
        var command = new Command("edit", "Replaces the value of an open letter; the one from Kafka is kept beside it.") { id, file, dryRun };
        command.SetAction(async (parsed, token) =>
        {
            var decision = new Intervention(Environment.UserName, parsed.GetValue(dryRun));
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            var outcome = await new DeadLetters(database).EditAsync(parsed.GetValue(id), await ValueFile.ReadAsync(parsed.GetValue(file)!, token), decision, token);
            return Filters.Write([outcome], decision.DryRun, output);
        });
        return command;
    }
}
