using Confluent.Kafka;

namespace Onceward.Intake;

/// <summary>What the group gives and takes, and how it becomes claims.</summary>
internal sealed partial class ConsumerLoop
{
    // The whole group waits with us; what is not claimed by then is claimed in the background.
    private static readonly TimeSpan s_claimWait = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_fencePatience = TimeSpan.FromSeconds(1);

    private IEnumerable<TopicPartitionOffset> OnAssigned(List<TopicPartition> partitions)
    {
        var starts = new Dictionary<TopicPartition, long>();
        _isMember = true;
        try
        {
            waiting.Add(partitions);
            waiting.Try(_stopping);
            waiting.Wait(s_claimWait);
            CheckClaims(starts);
            LogClaimed(logger, worker, starts.Count, string.Join(", ", starts.Select(s => $"{s.Key.Topic}[{s.Key.Partition.Value}]@{s.Value}")));
        }
        // A callback must not throw.
        catch (Exception e)
        {
            Quietly(() => LogCallbackFailed(logger, e, worker));
            Replace("a rebalance callback failed");
        }
        // What has no claim is not read: it is paused before the next record is asked for. Where it would begin may be unknown; the placeholder is a
        // plain number, because for a logical offset the client would ask the broker, and the late answer could move a position.
        return [.. partitions.Select(p => new TopicPartitionOffset(p, starts.TryGetValue(p, out var start) ? start : StartOfWaiting(p)))];
    }

    private long StartOfWaiting(TopicPartition partition)
    {
        PauseSoon(partition);
        if (!waiting.TryGet(partition, out var waits))
            return 0;
        waits.StartedAt = waits.Start ?? long.MaxValue;
        return waits.Start ?? 0;
    }

    private void OnRevoked(IConsumer<byte[], byte[]> consumer, List<TopicPartitionOffset> partitions)
    {
        try
        {
            // Ending the claims first lets the lanes finish what is open and begin nothing new.
            var claims = partitions.Select(p => _assignment.TryGet(p.TopicPartition, out var claim) ? claim : null).OfType<Claim>().ToArray();
            foreach (var claim in claims)
                claim.End();
            // Waiting is politeness to the successor, which would else meet our locks, or our late claim; the epoch makes it safe either way.
            if (partitions.Exists(p => waiting.TryGet(p.TopicPartition, out _)))
                waiting.Wait(s_revokeWait);
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
            Quietly(() => LogCallbackFailed(logger, e, worker));
            Replace("a rebalance callback failed");
        }
    }

    private void OnLost(List<TopicPartitionOffset> partitions)
    {
        Forget(partitions);
        Quietly(() => LogRevoked(logger, worker, partitions.Count));
    }

    private void Forget(List<TopicPartitionOffset> partitions)
    {
        foreach (var partition in partitions)
        {
            _assignment.Remove(partition.TopicPartition);
            waiting.Remove(partition.TopicPartition);
            _stopped.Remove(partition.TopicPartition);
        }
    }

    /// <summary>Takes over what the attempts to claim have brought, and lets those that are due try again.</summary>
    private void CheckClaims(Dictionary<TopicPartition, long>? starts = null)
    {
        if (waiting.Count == 0)
            return;
        var result = waiting.Take((e, count) => LogClaimFailed(logger, e, worker, count));
        foreach (var grant in result.Granted)
            Begin(grant, starts);
        foreach (var (partition, key, reason) in result.Stopped)
        {
            waiting.Remove(partition);
            _stopped[partition] = key;
            PauseSoon(partition);
            LogStopped(logger, worker, partition.ToString(), reason);
        }
        if (starts is null)
            waiting.Try(_stopping);
    }

    private void Begin(Grant grant, Dictionary<TopicPartition, long>? starts)
    {
        var partition = grant.Partition;
        if (!waiting.TryGet(partition, out var waited))
            return;
        waiting.Remove(partition);
        if ((waited.StartedAt is null && starts is null) || waited.StartedAt > grant.Start)
        {
            // The client stands behind where this claim begins, or nowhere.
            Replace($"{partition} was granted at {grant.Start}, and the client cannot be moved there");
            return;
        }
        var lane = lanes.MinBy(l => l.ClaimCount)!;
        var claim = new Claim(subscriptions[partition.Topic], partition, grant.Row, _budget)
        {
            Wake = lane.Wake,
            Check = new LogCheck(grant.Row, grant.Start),
            MayHaveParkedKeys = grant.MayHaveParkedKeys,
        };
        _assignment.Add(claim);
        lane.Add(claim);
        ResumeSoon(partition);
        if (starts is not null && waited.StartedAt is null)
        {
            starts[partition] = grant.Start;
            return;
        }
        LogClaimed(logger, worker, 1, $"{partition.Topic}[{partition.Partition.Value}]@{grant.Row.NextOffset}");
        foreach (var record in waited.Records)
            Deliver(record);
    }

    /// <summary>Someone else claimed a partition. If the group sees that soon, we never need to; if not, they are the zombie, and we claim it again.</summary>
    private void CheckFences()
    {
        foreach (var claim in _assignment.TakeFenced())
            _oldestFence ??= (claim, time.GetTimestamp());
        if (_oldestFence is not { } fence)
            return;
        if (!_assignment.IsCurrent(fence.Claim))
        {
            _oldestFence = null;
            return;
        }
        if (time.GetElapsedTime(fence.Since) <= s_fencePatience || _replaceBecause is not null)
            return;
        var stayAway = _fenceGuard.Count();
        if (stayAway is not null)
            NoteDuel(fence.Claim, stayAway.Value);
        Replace($"{fence.Claim.Partition} was fenced and is still assigned", stayAway ?? TimeSpan.Zero);
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
