using System.CommandLine;
using System.Globalization;

namespace Onceward.Cli.Offsets;

/// <summary><c>onceward offsets reset</c> and <c>adopt</c>: moves a worker, whether it runs or not.</summary>
internal static class MoveOffsets
{
    public static Command Reset(Servers servers, TextWriter output)
    {
        var (worker, topic, dryRun) = (Worker(), Topic(), CommonOptions.DryRun());
        var to = new Option<string>("--to") { Description = "earliest, latest, current (a stopped partition goes on), an offset, or a time such as 2026-11-25T08:00Z.", Required = true };
        var partitions = new Option<int[]>("--partition") { Description = "Only these partitions.", AllowMultipleArgumentsPerToken = true };
        var newTopic = new Option<bool>("--new-topic") { Description = "The topic was created again: give the old one up, begin on the new one." };
        var newCluster = new Option<bool>("--new-cluster") { Description = "The worker moved to this cluster: give the old one up." };
        var forget = new Option<bool>("--forget-events") { Description = "Forget the event ids of this topic, so that records read again are applied again." };
        var reason = new Option<string?>("--reason") { Description = "Why; written into the incident." };
        var command = new Command("reset", "Sets where a worker goes on. Whoever works on the partition now is fenced.") { worker, topic, partitions, to, newTopic, newCluster, forget, reason, dryRun };
        command.SetAction(async (parsed, token) =>
        {
            var reset = new OffsetReset
            {
                Worker = parsed.GetValue(worker)!, Topic = parsed.GetValue(topic)!, To = TargetOf(parsed.GetValue(to)!),
                Partitions = parsed.GetValue(partitions) is { Length: > 0 } some ? some : null,
                NewTopic = parsed.GetValue(newTopic), NewCluster = parsed.GetValue(newCluster), ForgetEvents = parsed.GetValue(forget), Reason = parsed.GetValue(reason),
            };
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            using var offsets = new WorkerOffsets(database, servers.OpenKafka(parsed));
            return Write(await offsets.ResetAsync(reset, Decision(parsed, dryRun), token), parsed.GetValue(dryRun), output);
        });
        return command;
    }

    public static Command Adopt(Servers servers, TextWriter output)
    {
        var (worker, topic, dryRun) = (Worker(), Topic(), CommonOptions.DryRun());
        var group = new Option<string>("--group") { Description = "The consumer group, which must have no members.", Required = true };
        var command = new Command("adopt", "Sets a worker to the offsets that a consumer group has committed.") { worker, topic, group, dryRun };
        command.SetAction(async (parsed, token) =>
        {
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            using var offsets = new WorkerOffsets(database, servers.OpenKafka(parsed));
            var moves = await offsets.AdoptAsync(parsed.GetValue(worker)!, parsed.GetValue(topic)!, parsed.GetValue(group)!, Decision(parsed, dryRun), token);
            return Write(moves, parsed.GetValue(dryRun), output);
        });
        return command;
    }

    internal static ResetTarget TargetOf(string to)
    {
        switch (to)
        {
            case "earliest":
                return ResetTarget.Earliest;
            case "latest":
                return ResetTarget.Latest;
            case "current":
                return ResetTarget.Current;
        }
        if (long.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
            return ResetTarget.At(offset);
        return DateTimeOffset.TryParse(to, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? ResetTarget.At(time)
            : throw new ToolException($"--to '{to}' is none of: earliest, latest, current, an offset, a time such as 2026-11-25T08:00Z. Nothing was changed.");
    }

    private static int Write(IReadOnlyList<MovedOffset> moves, bool dryRun, TextWriter output)
    {
        var table = new TextTable("WORKER", "TOPIC", "PARTITION", "STATE", "FROM", "TO", "AGAIN", "SKIPPED", "UNPARKED", "LETTERS", "OUTCOME");
        foreach (var m in moves)
            table.Add(m.Worker, m.Topic, m.Partition, m.State, m.From, m.To, m.Again, m.Skipped, m.Unparked, m.Letters, dryRun ? "would be set" : "set");
        table.WriteTo(output);
        return ExitCodes.Fine;
    }

    private static Intervention Decision(ParseResult parsed, Option<bool> dryRun) => new(Environment.UserName, parsed.GetValue(dryRun));

    private static Option<string> Worker() => new("--worker") { Description = "The worker.", Required = true };

    private static Option<string> Topic() => new("--topic") { Description = "Its input topic.", Required = true };
}
