using Confluent.Kafka;
using Onceward.Handling;
using Onceward.Ledger;

namespace Onceward.Intake;

/// <summary>What the group gives and takes, and how it becomes claims.</summary>
internal sealed partial class ConsumerLoop
{
    private static readonly Backoff s_reclaim = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(5));

    private IEnumerable<TopicPartitionOffset> OnAssigned(List<TopicPartition> partitions)
    {
        var positions = new Dictionary<TopicPartition, Offset>();
        try
        {
            foreach (var claim in Claim(partitions))
                positions[claim.Partition] = claim.Position;
        }
        // A callback must not throw. What could not be claimed is claimed by the loop a moment later.
        catch (Exception e)
        {
            LogClaimFailed(logger, e, worker, partitions.Count);
        }
        foreach (var partition in partitions.Where(p => !positions.ContainsKey(p)))
            _assignment.Defer(partition, time.GetTimestamp() + Ticks(s_reclaim.First), 1);
        // What arrives from the end of an unclaimed partition is dropped until the claim repositions it.
        return [.. partitions.Select(p => new TopicPartitionOffset(p, positions.GetValueOrDefault(p, Offset.End)))];
    }

    private void OnRevoked(IConsumer<byte[], byte[]> consumer, List<TopicPartitionOffset> partitions)
    {
        try
        {
            // Ending the claims first lets the lanes finish what is open and begin nothing new.
            var claims = partitions.Select(p => _assignment.TryGet(p.TopicPartition, out var claim) ? claim : null).OfType<Claim>().ToArray();
            foreach (var claim in claims)
                claim.End();
            // Waiting is politeness to the successor, which would else meet our locks; the epoch makes it safe either way.
            var since = time.GetTimestamp();
            while (claims.Any(c => c.IsInFlight) && time.GetElapsedTime(since) < s_revokeWait)
                SpinWait.SpinUntil(() => !claims.Any(c => c.IsInFlight), TimeSpan.FromMilliseconds(20));
            Mirror(consumer, claims);
            Forget(partitions);
            LogRevoked(logger, worker, partitions.Count);
        }
        // A callback must not throw: the client would drop the record it was about to deliver.
        catch (Exception e)
        {
            LogCallbackFailed(logger, e, worker);
            _distrusted = true;
        }
    }

    private void OnLost(List<TopicPartitionOffset> partitions)
    {
        Forget(partitions);
        LogRevoked(logger, worker, partitions.Count);
    }

    private void Forget(List<TopicPartitionOffset> partitions)
    {
        foreach (var partition in partitions)
            _assignment.Remove(partition.TopicPartition);
    }

    private List<Claim> Claim(IReadOnlyCollection<TopicPartition> partitions)
    {
        var byKey = partitions.ToDictionary(p => new PartitionKey(subscriptions[p.Topic].Id, p.Partition.Value));
        var claims = new List<Claim>();
        foreach (var row in claimer.Claim(partitions))
        {
            var partition = byKey[row.Key];
            if (!row.IsRunning)
            {
                LogStopped(logger, null, worker, partition.ToString());
                continue;
            }
            var lane = lanes.MinBy(l => l.ClaimCount)!;
            var claim = new Claim(subscriptions[partition.Topic], partition, row, _budget) { Wake = lane.Wake };
            _assignment.Remove(partition);
            _assignment.Add(claim);
            lane.Add(claim);
            claims.Add(claim);
        }
        LogClaimed(logger, worker, claims.Count, string.Join(", ", claims.Select(c => $"{c.Partition.Topic}[{c.Partition.Partition.Value}]@{c.Position}")));
        return claims;
    }

    /// <summary>Claims what is assigned but not claimed, and makes the client begin at the ledger's position.</summary>
    private void ClaimDue(IConsumer<byte[], byte[]> consumer)
    {
        var now = time.GetTimestamp();
        // Someone else claimed it a moment ago. If the group sees that soon, we never need to; if not, they are the zombie.
        foreach (var claim in _assignment.TakeFenced())
            _assignment.Defer(claim.Partition, now + Ticks(TimeSpan.FromSeconds(1)), 1);
        var due = _assignment.Due(now);
        if (due.Count == 0)
            return;
        try
        {
            var claims = Claim(due);
            if (claims.Count > 0)
            {
                consumer.IncrementalUnassign(claims.ConvertAll(c => c.Partition));
                consumer.IncrementalAssign(claims.ConvertAll(c => new TopicPartitionOffset(c.Partition, c.Position)));
                consumer.Resume(claims.ConvertAll(c => c.Partition));
            }
        }
        // The loop boundary of claiming: the database or the group is not ready; the partitions are tried again below.
        catch (Exception e)
        {
            LogClaimFailed(logger, e, worker, due.Count);
            foreach (var partition in due.Where(p => _assignment.TryGet(p, out _)))
                _assignment.Defer(partition, now, 1);
        }
        foreach (var partition in due.Where(p => !_assignment.TryGet(p, out _)))
        {
            var failures = _assignment.FailuresOf(partition) + 1;
            _assignment.Defer(partition, now + Ticks(s_reclaim.After(failures, _random)), failures);
        }
    }

    private void MirrorDue(IConsumer<byte[], byte[]> consumer)
    {
        var now = time.GetTimestamp();
        if (time.GetElapsedTime(_mirroredAt, now) < options.MirrorInterval / 5)
            return;
        _mirroredAt = now;
        Mirror(consumer);
    }

    private void Mirror(IConsumer<byte[], byte[]> consumer) => Mirror(consumer, _assignment.Claims);

    /// <summary>Copies applied offsets to the client, which commits them in the background. Nothing here is ever read back.</summary>
    private void Mirror(IConsumer<byte[], byte[]> consumer, IEnumerable<Claim> claims)
    {
        foreach (var claim in claims)
        {
            try
            {
                if (claim.Mirrored < claim.Position)
                    consumer.StoreOffset(new TopicPartitionOffset(claim.Partition, claim.Position));
                claim.Mirrored = claim.Position;
            }
            catch (KafkaException e)
            {
                // Not assigned any more: the next owner mirrors it.
                LogMirrorFailed(logger, worker, e.Error.Reason);
            }
        }
    }
}
