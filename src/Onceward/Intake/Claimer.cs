using System.Collections.Concurrent;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Onceward.Handling;
using Onceward.Hosting;
using Onceward.Ledger;

namespace Onceward.Intake;

/// <summary>Turns partitions that the group assigned into claims that the ledger granted, after a look at their logs.</summary>
/// <remarks>
/// <para><b>Guarantee:</b> the start comes from the ledger's row alone, never from Kafka's committed offsets or a reset policy, and only where the
/// topic is the incarnation that the row is of and the log reaches from its first record to the row's position. What does not hold stops the
/// partition, in the ledger and with an incident; what cannot be asked is not granted.</para>
/// <para><b>Concurrency:</b> attempts for different partitions may run side by side. <b>Crash:</b> an epoch was bumped for nothing.</para>
/// </remarks>
internal sealed class Claimer(
    Cluster cluster, ClaimStore store, FirstPositions first, IncidentStore incidents, IReadOnlyDictionary<string, Subscription> subscriptions, TimeProvider time)
{
    // A new leader learns how far its log is committed from its followers' next fetches; until then its end may lie before what we have read.
    private static readonly TimeSpan s_leaderPatience = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<PartitionKey, long> _endsEarlySince = new();

    public async Task<ClaimResult> ClaimAsync(IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancellationToken)
    {
        var byKey = partitions.ToDictionary(p => new PartitionKey(subscriptions[p.Topic].Id, p.Partition.Value));
        var answer = await store.ClaimAsync(byKey.Keys, cancellationToken).ConfigureAwait(false);
        var topics = await cluster.FindTopicsAsync(partitions.Select(p => p.Topic).Distinct(StringComparer.Ordinal), cancellationToken).ConfigureAwait(false);
        var result = new Verdicts([], [], []);
        var begun = await BeginAsync(answer.Absent, byKey, topics, result, cancellationToken).ConfigureAwait(false);
        var readable = new List<OffsetRow>();
        foreach (var row in answer.Claimed.Concat(begun.Claimed))
            if (await IsOurLogAsync(row, byKey[row.Key], topics, result, cancellationToken).ConfigureAwait(false))
                readable.Add(row);
        OffsetRow[] held = [.. answer.Held.Concat(begun.Held).Where(r => topics.ContainsKey(byKey[r.Key].Topic))];
        var bounds = await cluster.BoundsAsync([.. readable.Concat(held).Select(r => byKey[r.Key])], cancellationToken).ConfigureAwait(false);
        foreach (var row in readable)
        {
            var mayHaveParkedKeys = answer.Occupied.Contains(row.Key.Subscription) || begun.Occupied.Contains(row.Key.Subscription);
            await GrantAsync(row, byKey[row.Key], bounds[byKey[row.Key]], mayHaveParkedKeys, result, cancellationToken).ConfigureAwait(false);
        }
        result.Refused.AddRange(held.Select(row => new Refusal(byKey[row.Key], row.Key, StartOf(row, bounds[byKey[row.Key]]))));
        return new ClaimResult(result.Granted, result.Refused, result.Stopped);
    }

    /// <summary>Whether retention or compaction can have taken the anchor, so that its absence says nothing about the log.</summary>
    public async Task<bool> MayLackAnchorAsync(TopicPartition partition, Anchor anchor, CancellationToken cancellationToken)
    {
        var bounds = await cluster.BoundsAsync([partition], cancellationToken).ConfigureAwait(false);
        return bounds[partition].Low > anchor.Offset || await cluster.IsCompactedAsync(partition.Topic, cancellationToken).ConfigureAwait(false);
    }

    private async Task<ClaimAnswer> BeginAsync(
        IReadOnlyList<PartitionKey> absent, Dictionary<PartitionKey, TopicPartition> byKey, Dictionary<string, TopicDescription> topics, Verdicts result,
        CancellationToken cancellationToken)
    {
        var fresh = new List<PartitionKey>();
        foreach (var key in absent)
        {
            var partition = byKey[key];
            if (!topics.TryGetValue(partition.Topic, out var topic))
                result.Refused.Add(new Refusal(partition, null, null));
            else if (IsRecreated(topic))
                result.Stopped.Add(new Stop(partition, null, Recreated(topic)));
            else
                fresh.Add(key);
        }
        if (fresh.Count == 0)
            return ClaimAnswer.Nothing;
        await first.WriteAsync(fresh, cancellationToken).ConfigureAwait(false);
        return await store.ClaimAsync(fresh, cancellationToken).ConfigureAwait(false);
    }

    private async Task<bool> IsOurLogAsync(
        OffsetRow row, TopicPartition partition, Dictionary<string, TopicDescription> topics, Verdicts result, CancellationToken cancellationToken)
    {
        if (!row.IsRunning)
            result.Stopped.Add(new Stop(partition, row.Key, "it was stopped before, and nobody let it go on"));
        else if (!topics.TryGetValue(partition.Topic, out var topic))
            // It may only not have reached the broker that was asked.
            result.Refused.Add(new Refusal(partition, null, null));
        else if (IsRecreated(topic))
            result.Stopped.Add(await StopAsync(row, partition, IncidentStore.TopicRecreated, row.NextOffset, null, Recreated(topic), cancellationToken).ConfigureAwait(false));
        else
            return true;
        return false;
    }

    private async Task GrantAsync(
        OffsetRow row, TopicPartition partition, LogBounds bounds, bool mayHaveParkedKeys, Verdicts result, CancellationToken cancellationToken)
    {
        if (bounds.Low > row.NextOffset)
        {
            result.Stopped.Add(await StopAsync(
                row, partition, IncidentStore.RecordsLost, row.NextOffset, bounds.Low,
                $"the log begins at {bounds.Low}, the ledger stands at {row.NextOffset}: retention or a deletion took records that were never applied", cancellationToken).ConfigureAwait(false));
            return;
        }
        if (bounds.End < row.NextOffset)
        {
            var since = _endsEarlySince.GetOrAdd(row.Key, time.GetTimestamp());
            if (time.GetElapsedTime(since) < s_leaderPatience)
                result.Refused.Add(new Refusal(partition, null, null));
            else
                result.Stopped.Add(await StopAsync(
                    row, partition, IncidentStore.LogTruncated, bounds.End, row.NextOffset,
                    $"the log ends at {bounds.End}, the ledger stands at {row.NextOffset}: records that were applied are gone, and others may take their offsets", cancellationToken).ConfigureAwait(false));
            return;
        }
        _endsEarlySince.TryRemove(row.Key, out _);
        result.Granted.Add(new Grant(partition, row, StartOf(row, bounds), mayHaveParkedKeys));
    }

    private static long StartOf(OffsetRow row, LogBounds bounds) => row.Anchor is { } anchor && bounds.Low <= anchor.Offset ? anchor.Offset : row.NextOffset;

    private async Task<Stop> StopAsync(
        OffsetRow row, TopicPartition partition, string kind, long from, long? to, string reason, CancellationToken cancellationToken)
    {
        await incidents.StopAsync(kind, row.Key, row.Epoch, from, to, IncidentDetail.Of(("reason", reason)), cancellationToken).ConfigureAwait(false);
        return new Stop(partition, row.Key, reason);
    }

    private bool IsRecreated(TopicDescription topic) => topic.TopicId.ToString() != subscriptions[topic.Name].TopicId;

    private string Recreated(TopicDescription topic) =>
        $"the topic has id {topic.TopicId}, the ledger's offsets are of {subscriptions[topic.Name].TopicId}: it was deleted and created again, and the offsets mean other records now";

    private sealed record Verdicts(List<Grant> Granted, List<Refusal> Refused, List<Stop> Stopped);
}
