using Confluent.Kafka;
using Onceward.Ledger;

namespace Onceward.Intake;

/// <summary>What the group gives and takes, and how it becomes claims.</summary>
internal sealed partial class ConsumerLoop
{
    // A former owner's last transaction ends within milliseconds; a frozen one's is not waited for here, because the whole group waits with us.
    private static readonly TimeSpan s_claimWait = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_claimRetry = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_fencePatience = TimeSpan.FromSeconds(1);

    private IEnumerable<TopicPartitionOffset> OnAssigned(List<TopicPartition> partitions)
    {
        var left = partitions.ToList();
        var positions = new Dictionary<TopicPartition, Offset>();
        try
        {
            var since = time.GetTimestamp();
            Claim(left, positions);
            while (left.Count > 0 && time.GetElapsedTime(since) < s_claimWait && !_stopping.WaitHandle.WaitOne(s_claimRetry))
                Claim(left, positions);
            if (left.Count > 0)
                Replace($"{left.Count} partitions are held by a running transaction");
        }
        // A callback must not throw.
        catch (Exception e)
        {
            LogClaimFailed(logger, e, worker, partitions.Count);
            Replace("partitions could not be claimed");
        }
        LogClaimed(logger, worker, positions.Count, string.Join(", ", positions.Select(c => $"{c.Key.Topic}[{c.Key.Partition.Value}]@{c.Value.Value}")));
        // What has no claim is dropped on arrival, and its client replaced at once. The placeholder is a plain number: a logical offset would
        // have the client ask the broker, and the late answer could move a position.
        return [.. partitions.Select(p => new TopicPartitionOffset(p, positions.GetValueOrDefault(p, new Offset(0))))];
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
            Replace("a rebalance callback failed");
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

    /// <summary>Claims what can be claimed now, and takes it off the list.</summary>
    private void Claim(List<TopicPartition> left, Dictionary<TopicPartition, Offset> positions)
    {
        var byKey = left.ToDictionary(p => new PartitionKey(subscriptions[p.Topic].Id, p.Partition.Value));
        foreach (var row in claimer.Claim(left))
        {
            var partition = byKey[row.Key];
            left.Remove(partition);
            positions[partition] = row.NextOffset;
            if (!row.IsRunning)
            {
                LogStopped(logger, null, worker, partition.ToString());
                _stopped.Add(partition);
                continue;
            }
            var lane = lanes.MinBy(l => l.ClaimCount)!;
            var claim = new Claim(subscriptions[partition.Topic], partition, row, _budget) { Wake = lane.Wake };
            _assignment.Add(claim);
            lane.Add(claim);
        }
    }

    /// <summary>Someone else claimed a partition. If the group sees that soon, we never need to; if not, they are the zombie, and we claim it again.</summary>
    private void CheckFences()
    {
        foreach (var claim in _assignment.TakeFenced())
            _oldestFence ??= (claim, time.GetTimestamp());
        if (_oldestFence is not { } fence)
            return;
        if (!_assignment.IsCurrent(fence.Claim))
            _oldestFence = null;
        else if (time.GetElapsedTime(fence.Since) > s_fencePatience)
            Replace($"{fence.Claim.Partition} was fenced and is still assigned");
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
