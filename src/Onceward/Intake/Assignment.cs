using Confluent.Kafka;

namespace Onceward.Intake;

/// <summary>What the group gave this member: for each partition its claim, or the time to try to claim it again.</summary>
/// <remarks>Belongs to the poll thread; only <see cref="Fence"/> may be called from lanes.</remarks>
internal sealed class Assignment
{
    private readonly Dictionary<TopicPartition, Claim> _claims = [];
    private readonly Dictionary<TopicPartition, Unclaimed> _unclaimed = [];
    private readonly System.Collections.Concurrent.ConcurrentQueue<Claim> _fenced = new();

    public IReadOnlyCollection<Claim> Claims => _claims.Values;

    public IReadOnlyCollection<TopicPartition> Partitions => [.. _claims.Keys, .. _unclaimed.Keys];

    public bool TryGet(TopicPartition partition, out Claim claim) => _claims.TryGetValue(partition, out claim!);

    public void Add(Claim claim)
    {
        _unclaimed.Remove(claim.Partition);
        _claims[claim.Partition] = claim;
    }

    /// <summary>The partition is ours by the group and not by the ledger; it is claimed again at <paramref name="at"/>.</summary>
    public void Defer(TopicPartition partition, long at, int failures)
    {
        if (_claims.Remove(partition, out var claim))
            claim.End();
        _unclaimed[partition] = new Unclaimed(at, failures);
    }

    public int FailuresOf(TopicPartition partition) => _unclaimed.TryGetValue(partition, out var unclaimed) ? unclaimed.Failures : 0;

    /// <summary>Unclaimed partitions whose time has come.</summary>
    public List<TopicPartition> Due(long now) => [.. _unclaimed.Where(u => u.Value.At <= now).Select(u => u.Key)];

    /// <summary>Ends a claim that the ledger no longer knows. From any thread.</summary>
    public void Fence(Claim claim)
    {
        claim.End();
        _fenced.Enqueue(claim);
    }

    /// <summary>The claims that were fenced since the last call and are still the group's.</summary>
    public List<Claim> TakeFenced()
    {
        var fenced = new List<Claim>();
        while (_fenced.TryDequeue(out var claim))
            if (_claims.TryGetValue(claim.Partition, out var current) && ReferenceEquals(current, claim))
                fenced.Add(claim);
        return fenced;
    }

    /// <summary>The group took the partition away.</summary>
    public Claim? Remove(TopicPartition partition)
    {
        _unclaimed.Remove(partition);
        if (_claims.Remove(partition, out var claim))
            claim.End();
        return claim;
    }

    public void Clear()
    {
        foreach (var claim in _claims.Values)
            claim.End();
        _claims.Clear();
        _unclaimed.Clear();
    }

    private readonly record struct Unclaimed(long At, int Failures);
}
