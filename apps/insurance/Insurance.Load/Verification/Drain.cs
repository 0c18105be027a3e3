using Confluent.Kafka;
using Insurance.Contracts;

namespace Insurance.Load.Verification;

/// <summary>Waits until the workers have nothing left to do for the chosen runs.</summary>
/// <remarks>
/// Looked at in the order of the data path, each step only when the one before is through: <c>auto.events</c> read, outbox relayed,
/// <c>auto.premiums</c> read, every row there. So nothing can slip from a step not yet looked at into one already passed.
/// </remarks>
internal sealed class Drain(LedgerProgress progress, KafkaClient kafka, TimeProvider time)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    private static readonly string[] s_workers = [Topology.Workers.Underwriting, Topology.Workers.Billing];
    private static readonly string[] s_topics = [.. Topology.Topics.Select(topic => topic.Name)];

    /// <summary>Null once all is done, else what is left when the deadline passes.</summary>
    public async Task<string?> WaitAsync(TimeSpan deadline, Action<string> show, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var shown = "";
        while (true)
        {
            var left = await LeftAsync(cancellationToken);
            if (left is null || time.GetElapsedTime(started) >= deadline)
                return left;
            // The step, not each number of it.
            var step = new string([.. left.Where(character => !char.IsAsciiDigit(character))]);
            if (step != shown)
                show(left);
            shown = step;
            await Task.Delay(s_pause, time, cancellationToken);
        }
    }

    private async Task<string?> LeftAsync(CancellationToken cancellationToken)
    {
        if (await progress.ExistsAsync(cancellationToken))
        {
            if (await UnreadAsync(Topology.AutoEvents, cancellationToken) is { } events)
                return events;
            var unrelayed = await progress.UnrelayedAsync(s_workers, s_topics, cancellationToken);
            if (unrelayed > 0)
                return $"{unrelayed:N0} messages in the outbox are not relayed";
            if (await UnreadAsync(Topology.AutoPremiums, cancellationToken) is { } premiums)
                return premiums;
        }

        var (decisions, contractEvents, bookings) = await progress.MissingAsync(cancellationToken);
        return decisions + contractEvents + bookings == 0
            ? null
            : $"of the acknowledged events {decisions:N0} have no decision, {contractEvents:N0} no contract event, and {bookings:N0} accepted ones no booking";
    }

    private async Task<string?> UnreadAsync(Topic topic, CancellationToken cancellationToken)
    {
        var ends = await kafka.EndsAsync(topic.Name);
        if (ends.Count == 0)
            return $"the topic {topic.Name} does not exist";
        var positions = await progress.PositionsAsync(s_workers, [topic.Name], cancellationToken);
        foreach (var worker in topic.Consumers)
        {
            var known = positions.Where(p => p.Worker == worker).ToDictionary(p => p.Partition, p => p.NextOffset);
            if (known.Count == 0)
                return $"{worker} has not begun to read {topic.Name}";
            var behind = ends.Where(end => known.GetValueOrDefault(end.Key.Partition.Value) < end.Value)
                .Select(end => new TopicPartitionOffset(end.Key, known.TryGetValue(end.Key.Partition.Value, out var next) ? next : Offset.Beginning))
                .ToList();
            // The last offsets of a partition may be transaction markers, which no position moves past: what counts is a record.
            var unread = behind.Count == 0 ? null : kafka.Read(behind, cancellationToken).FirstOrDefault();
            if (unread is not null)
                return $"{worker} has not read {topic.Name} to its end, for one partition {unread.Partition.Value} from offset {unread.Offset.Value} on";
        }

        return null;
    }
}
