using System.Collections.Concurrent;
using Confluent.Kafka;

namespace Onceward.Intake;

/// <summary>The claims behind what the group gave this member.</summary>
/// <remarks>Belongs to the poll thread; only <see cref="Fence"/> may be called from lanes.</remarks>
internal sealed class Assignment
{
    private readonly Dictionary<TopicPartition, Claim> _claims = [];
    private readonly ConcurrentQueue<Claim> _fenced = new();
    private Claim? _found;

    public IReadOnlyCollection<Claim> Claims => _claims.Values;

    public bool TryGet(TopicPartition partition, out Claim claim) => _claims.TryGetValue(partition, out claim!);

    /// <summary>The claim of a record's partition. Records come in runs of one partition, so the last answer is mostly the next one too.</summary>
    public bool TryGet(Record record, out Claim claim)
    {
        if (_found is { } found && found.Partition.Partition == record.Partition && found.Partition.Topic == record.Topic)
        {
            claim = found;
            return true;
        }
        var isOurs = _claims.TryGetValue(record.TopicPartition, out claim!);
        _found = claim;
        return isOurs;
    }

    public void Add(Claim claim)
    {
        Remove(claim.Partition);
        _claims[claim.Partition] = claim;
    }

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
            if (IsCurrent(claim))
                fenced.Add(claim);
        return fenced;
    }

    /// <summary>Whether the group still gives us the partition for which this claim was made.</summary>
    public bool IsCurrent(Claim claim) => _claims.TryGetValue(claim.Partition, out var current) && ReferenceEquals(current, claim);

    /// <summary>The group took the partition away, or nothing more may be read from it.</summary>
    public Claim? Remove(TopicPartition partition)
    {
        _found = null;
        if (_claims.Remove(partition, out var claim))
            claim.End();
        return claim;
    }

    public void Clear()
    {
        _found = null;
        foreach (var claim in _claims.Values)
            claim.End();
        _claims.Clear();
    }
}
