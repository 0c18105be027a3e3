using System.CommandLine;

namespace Onceward.Cli.SetAside;

/// <summary><c>onceward parked</c>: keys that wait.</summary>
internal static class ParkedCommand
{
    public static Command Create(Servers servers, TextWriter output) => new("parked", "Keys that failed and wait, with their later records behind them.")
    {
        List(servers, output),
        Show(servers, output),
        Change(servers, output, "retry", "Tries the keys again now, with all attempts before them; held ones too.", (keys, filter, decision, token) => keys.RetryAsync(filter, decision, token)),
        Change(
            servers, output, "discard", "Discards the head of each key, or the record at --partition and --offset: it is never applied.",
            (keys, filter, decision, token) => keys.DiscardAsync(filter, decision, token)),
        Edit(servers, output),
    };

    private static Command List(Servers servers, TextWriter output)
    {
        var filters = new Filters();
        var command = filters.AddTo(new Command("list", "A line for each key."), letters: false, changes: false);
        command.SetAction(async (parsed, token) =>
        {
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            var keys = await new ParkedKeys(database).ListAsync(filters.Read(parsed, letters: false), token);
            var table = new TextTable("WORKER", "TOPIC", "KEY", "STATE", "RECORDS", "ATTEMPTS", "NEXT", "SINCE", "REASON");
            foreach (var k in keys)
                table.Add(
                    k.Worker, k.Topic, Filters.TextOf(k.Key), k.State, k.Records, k.Attempts, k.State == "held" ? null : $"{k.NextAttemptAt:u}", $"{k.ParkedAt:u}", k.Reason);
            table.WriteTo(output, "Nothing is parked that matches.");
            return ExitCodes.Fine;
        });
        return command;
    }

    private static Command Show(Servers servers, TextWriter output)
    {
        var filters = new Filters();
        var command = filters.AddTo(new Command("show", "Each key with its last error and its records, in the order in which they will be applied."), letters: false, changes: false);
        command.SetAction(async (parsed, token) =>
        {
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            var (parked, filter) = (new ParkedKeys(database), filters.Read(parsed, letters: false));
            foreach (var k in await parked.ListAsync(filter, token))
            {
                output.WriteLine($"{k.Worker} {k.Topic} key {Filters.TextOf(k.Key) ?? "-"}: {k.State}, {k.Attempts} attempts, {k.Records} records");
                output.WriteLine(k.Error);
                // A record without a key is alone in its own; the filter that found it finds it again.
                foreach (var r in await parked.RecordsAsync(k.Key is null ? filter : filter with { Worker = k.Worker, Topic = k.Topic, Key = k.Key }, token))
                    output.WriteLine($"  {r.Partition}@{r.Offset}{(r.EditedBy is null ? "" : $" edited by {r.EditedBy}")}: {Filters.TextOf(r.Value)}");
            }
            return ExitCodes.Fine;
        });
        return command;
    }

    private static Command Change(
        Servers servers, TextWriter output, string name, string description,
        Func<ParkedKeys, SetAsideFilter, Intervention, CancellationToken, Task<IReadOnlyList<Outcome>>> change)
    {
        var filters = new Filters();
        var command = filters.AddTo(new Command(name, description), letters: false, changes: true);
        command.SetAction(async (parsed, token) =>
        {
            var (filter, decision) = (filters.Read(parsed, letters: false), filters.Decision(parsed));
            Filters.RequireNarrow(filter);
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            return Filters.Write(await change(new ParkedKeys(database), filter, decision, token), decision.DryRun, output);
        });
        return command;
    }

    private static Command Edit(Servers servers, TextWriter output)
    {
        var filters = new Filters();
        var file = new Option<FileInfo>("--value-file") { Description = "The new value, byte for byte.", Required = true };
        var command = filters.AddTo(new Command("edit", "Replaces the value of the record at --partition and --offset; the one from Kafka is kept beside it.") { file }, letters: false, changes: true);
        command.SetAction(async (parsed, token) =>
        {
            var decision = filters.Decision(parsed);
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            var outcome = await new ParkedKeys(database).EditAsync(filters.Read(parsed, letters: false), await ValueFile.ReadAsync(parsed.GetValue(file)!, token), decision, token);
            return Filters.Write([outcome], decision.DryRun, output);
        });
        return command;
    }
}
