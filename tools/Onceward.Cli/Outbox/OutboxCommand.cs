using System.CommandLine;
using Onceward.Cli.SetAside;

namespace Onceward.Cli.Outbox;

/// <summary><c>onceward outbox</c>: what waits to be published, and a channel that stands still.</summary>
internal static class OutboxCommand
{
    public static Command Create(Servers servers, TextWriter output) => new("outbox", "Messages that wait to be published, and channels that stand still.")
    {
        Show(servers, output),
        Rows(servers, output),
        Release(servers, output),
    };

    private static Command Show(Servers servers, TextWriter output)
    {
        var worker = CommonOptions.Worker();
        var command = new Command("show", "A line for each channel: the messages of one partition of a worker's input.") { worker };
        command.SetAction(async (parsed, token) =>
        {
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            var channels = await new OutboxChannels(database).ListAsync(parsed.GetValue(worker), token);
            var table = new TextTable("CHANNEL", "WORKER", "TOPIC", "PARTITION", "NEXT", "RELAYED", "WAITING", "STATE");
            foreach (var c in channels)
                table.Add(c.Id, c.Worker, c.Topic, c.Partition, c.NextSeq, c.RelayedSeq, c.NextSeq - c.RelayedSeq, c.StandsStill ? "stands still" : "running");
            table.WriteTo(output, "No worker that matches has claimed a partition.");
            return ExitCodes.Fine;
        });
        return command;
    }

    private static Command Rows(Servers servers, TextWriter output)
    {
        var (channel, limit) = (Channel(), CommonOptions.Limit());
        var command = new Command("rows", "The rows of a channel, in order: those that wait, and the last one published.") { channel, limit };
        command.SetAction(async (parsed, token) =>
        {
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            var rows = await new OutboxChannels(database).RowsAsync(parsed.GetValue(channel), parsed.GetValue(limit), token);
            var table = new TextTable("SEQ", "AT", "TOPIC", "KEY", "VALUE");
            foreach (var r in rows)
                table.Add(r.Seq, $"{r.At:u}", r.Topic, Filters.TextOf(r.Key), Filters.TextOf(r.Value));
            table.WriteTo(output, "The channel has no rows.");
            return ExitCodes.Fine;
        });
        return command;
    }

    private static Command Release(Servers servers, TextWriter output)
    {
        var (channel, from) = (Channel(), new Option<long>("--from-seq") { Description = "The first row to publish; those before it leave the outbox.", Required = true });
        var dryRun = CommonOptions.DryRun();
        var command = new Command("release", "Lets a channel that stands still go on, under a new number.") { channel, from, dryRun };
        command.SetAction(async (parsed, token) =>
        {
            var isDry = parsed.GetValue(dryRun);
            if (parsed.GetValue(from) < 0)
                throw new ToolException("--from-seq is below zero: rows are numbered from 0. Nothing was changed.");
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            var released = await new OutboxChannels(database).ReleaseAsync(parsed.GetValue(channel), parsed.GetValue(from), new Intervention(Environment.UserName, isDry), token);
            var table = new TextTable("CHANNEL", "SUCCESSOR", "PUBLISHED", "DROPPED", "OUTCOME");
            table.Add(released.Channel, isDry ? null : released.Successor, released.Published, released.Dropped, isDry ? "would be released" : "released");
            table.WriteTo(output);
            return ExitCodes.Fine;
        });
        return command;
    }

    private static Option<int> Channel() => new("--channel") { Description = "The channel's number.", Required = true };
}
