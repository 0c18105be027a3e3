using System.CommandLine;
using System.Text.Json;

namespace Onceward.Cli.Incidents;

/// <summary><c>onceward incidents</c>: what was stopped, skipped or decided.</summary>
internal static class IncidentsCommand
{
    private const int ReasonWidth = 100;

    public static Command Create(Servers servers, TextWriter output) => new("incidents", "What was stopped, skipped or decided.")
    {
        List(servers, output),
        Show(servers, output),
        Resolve(servers, output),
    };

    private static Command List(Servers servers, TextWriter output)
    {
        var filters = new Filters();
        var all = new Option<bool>("--all") { Description = "Those that are settled, too." };
        var command = filters.AddTo(new Command("list", "A line for each incident.") { all });
        command.SetAction(async (parsed, token) =>
        {
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            var incidents = await new Onceward.Incidents(database).ListAsync(filters.Read(parsed) with { Settled = parsed.GetValue(all) }, token);
            var table = new TextTable("ID", "AT", "KIND", "WORKER", "TOPIC", "PARTITION", "FROM", "TO", "RESOLVED BY", "REASON");
            foreach (var i in incidents)
                table.Add(i.Id, $"{i.At:u}", i.Kind, i.Worker, i.Topic, i.Partition, i.From, i.To, i.ResolvedBy, ReasonOf(i));
            table.WriteTo(output, "No incident matches.");
            return ExitCodes.Fine;
        });
        return command;
    }

    private static Command Show(Servers servers, TextWriter output)
    {
        var filters = new Filters();
        var command = filters.AddTo(new Command("show", "Each incident with all that was noted."));
        command.SetAction(async (parsed, token) =>
        {
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            foreach (var i in await new Onceward.Incidents(database).ListAsync(filters.Read(parsed) with { Settled = true }, token))
            {
                output.WriteLine($"{i.Id} {i.Kind} {i.Worker ?? "-"} {i.Topic ?? "-"} partition {i.Partition?.ToString() ?? "-"}, {i.From?.ToString() ?? "-"} to {i.To?.ToString() ?? "-"}, {i.At:u}");
                output.WriteLine(i.ResolvedBy is null ? "open" : $"resolved by {i.ResolvedBy}, {i.ResolvedAt:u}");
                output.WriteLine(i.Detail);
            }
            return ExitCodes.Fine;
        });
        return command;
    }

    private static Command Resolve(Servers servers, TextWriter output)
    {
        var filters = new Filters();
        var dryRun = CommonOptions.DryRun();
        var command = filters.AddTo(new Command("resolve", "Settles incidents that nothing waits for any more. It changes nothing but the note.") { dryRun });
        command.SetAction(async (parsed, token) =>
        {
            var filter = filters.Read(parsed);
            if (filter is { Id: null, Kind: null, Worker: null, Topic: null, Partition: null })
                throw new ToolException("That would be about everything: name what it is about, by --id or --kind at least. Nothing was changed.");
            await using var database = await servers.OpenLedgerAsync(parsed, token);
            var settled = await new Onceward.Incidents(database).ResolveAsync(filter, new Intervention(Environment.UserName, parsed.GetValue(dryRun)), token);
            var table = new TextTable("ID", "KIND", "WORKER", "TOPIC", "PARTITION", "OUTCOME");
            foreach (var (i, refusal) in settled)
                table.Add(i.Id, i.Kind, i.Worker, i.Topic, i.Partition, refusal is not null ? $"refused, {refusal}" : parsed.GetValue(dryRun) ? "would be resolved" : "resolved");
            table.WriteTo(output, "No open incident matches.");
            return settled.Any(s => s.Refusal is not null) ? ExitCodes.Refused : ExitCodes.Fine;
        });
        return command;
    }

    /// <summary>The reason that the detail gives, or the whole of it, on one line of plain text.</summary>
    private static string ReasonOf(Incident incident)
    {
        using var detail = JsonDocument.Parse(incident.Detail);
        var text = detail.RootElement.TryGetProperty("reason", out var reason) || detail.RootElement.TryGetProperty("fault", out reason) ? reason.ToString() : incident.Detail;
        // It may quote a record, which must not command the terminal.
        text = string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
        return text.Length <= ReasonWidth ? text : $"{text[..ReasonWidth]}…";
    }

    private sealed class Filters
    {
        private readonly Option<long?> _id = new("--id") { Description = "Only this incident." };
        private readonly Option<string?> _kind = new("--kind") { Description = "Only this kind, such as log_diverged." };
        private readonly Option<string?> _worker = CommonOptions.Worker();
        private readonly Option<string?> _topic = CommonOptions.Topic();
        private readonly Option<int?> _partition = new("--partition") { Description = "Only this partition." };
        private readonly Option<int> _limit = CommonOptions.Limit();

        public Command AddTo(Command command)
        {
            foreach (var option in (Option[])[_id, _kind, _worker, _topic, _partition, _limit])
                command.Options.Add(option);
            return command;
        }

        public IncidentFilter Read(ParseResult parsed) => new()
        {
            Id = parsed.GetValue(_id), Kind = parsed.GetValue(_kind), Worker = parsed.GetValue(_worker), Topic = parsed.GetValue(_topic),
            Partition = parsed.GetValue(_partition), Limit = parsed.GetValue(_limit),
        };
    }
}
