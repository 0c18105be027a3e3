using System.CommandLine;
using Confluent.Kafka;
using Onceward.Ledger;

namespace Onceward.Cli.Offsets;

/// <summary><c>onceward offsets show</c>: a line for each partition, with its lag where a broker can be asked.</summary>
internal static class ShowOffsets
{
    public static Command Create(Servers servers, TextWriter output)
    {
        var (worker, topic) = (CommonOptions.Worker(), CommonOptions.Topic());
        var command = new Command("show", "Prints where each worker stands, who owns the partition, and what was noted about it.") { worker, topic };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var database = await servers.OpenLedgerAsync(parsed, cancellationToken);
            var standings = await new StandingStore(database).ListAsync(parsed.GetValue(worker), parsed.GetValue(topic), cancellationToken);
            if (standings.Count == 0)
            {
                output.WriteLine("No worker has claimed a partition that matches.");
                return ExitCodes.Fine;
            }
            var ends = servers.HasKafka(parsed) ? await EndsAsync(servers, parsed, standings, cancellationToken) : [];
            Table(standings, ends).WriteTo(output);
            return ExitCodes.Fine;
        });
        return command;
    }

    private static TextTable Table(IReadOnlyList<Standing> standings, Dictionary<TopicPartition, long> ends)
    {
        var table = new TextTable("WORKER", "TOPIC", "PARTITION", "NEXT", "END", "LAG", "EPOCH", "STATE", "OWNER", "INCIDENTS");
        foreach (var s in standings)
        {
            long? end = ends.TryGetValue(new TopicPartition(s.Topic, s.Key.Partition), out var found) ? found : null;
            table.Add(s.Worker, s.Topic, s.Key.Partition, s.NextOffset, end, end - s.NextOffset, s.Epoch, s.State, s.Owner, s.OpenIncidents.Length > 0 ? s.OpenIncidents : null);
        }
        return table;
    }

    /// <summary>The last stable offsets of the partitions that the cluster has under the ids of the ledger.</summary>
    private static async Task<Dictionary<TopicPartition, long>> EndsAsync(
        Servers servers, ParseResult parsed, IReadOnlyList<Standing> standings, CancellationToken cancellationToken)
    {
        using var cluster = servers.OpenKafka(parsed);
        var clusterId = await cluster.IdAsync(cancellationToken);
        var here = standings.Where(s => s.ClusterId == clusterId).ToArray();
        var topics = await cluster.FindTopicsAsync(here.Select(s => s.Topic).Distinct(), cancellationToken);
        var known = here.Where(s => topics.TryGetValue(s.Topic, out var found) && found.TopicId.ToString() == s.TopicId && s.Key.Partition < found.Partitions.Count);
        var bounds = await cluster.BoundsAsync([.. known.Select(s => new TopicPartition(s.Topic, s.Key.Partition)).Distinct()], cancellationToken);
        return bounds.ToDictionary(b => b.Key, b => b.Value.End);
    }
}
