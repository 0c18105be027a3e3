namespace Onceward.Broker.Groups;

/// <summary>What an offset is committed for.</summary>
internal readonly record struct OffsetKey(string Topic, int Partition);

/// <summary>A committed offset.</summary>
/// <param name="Offset">The next record to read.</param>
/// <param name="LeaderEpoch">Of the record before; -1: not known.</param>
/// <param name="Metadata">What the client stored with it.</param>
/// <param name="CommittedAt">Milliseconds since 1970.</param>
/// <param name="ExpiresAt">Milliseconds since 1970, as an old client asked for; -1: as the broker's settings say.</param>
internal readonly record struct StoredOffset(long Offset, int LeaderEpoch, string Metadata, long CommittedAt, long ExpiresAt = -1);

/// <summary>The offsets of one group: those that count, and those of open transactions.</summary>
/// <remarks>
/// <para>Guarantee: of two commits for one partition the one that lies later in the log counts, also where a transaction ends after a plain
/// commit that came between.</para>
/// <para>Concurrency: guarded by the group's lock; changed in the order of the log's records.</para>
/// <para>Crash: built again from the log's records in their order, which gives the same.</para>
/// </remarks>
internal sealed class GroupOffsets
{
    private readonly Dictionary<OffsetKey, Numbered> committed = [];
    private readonly Dictionary<long, Dictionary<OffsetKey, Numbered>> pending = [];
    private long changes;

    public int Count => committed.Count;

    public bool HasPending => pending.Count > 0;

    public IReadOnlyCollection<long> PendingProducers => pending.Keys;

    public IEnumerable<KeyValuePair<OffsetKey, StoredOffset>> Committed => committed.Select(static entry => KeyValuePair.Create(entry.Key, entry.Value.Stored));

    public bool TryGet(OffsetKey key, out StoredOffset stored)
    {
        var found = committed.TryGetValue(key, out var entry);
        stored = entry.Stored;
        return found;
    }

    public bool IsPending(OffsetKey key)
    {
        foreach (var offsets in pending.Values)
        {
            if (offsets.ContainsKey(key))
                return true;
        }
        return false;
    }

    /// <summary>Those of open transactions, too.</summary>
    public IEnumerable<OffsetKey> Keys => committed.Keys.Concat(PendingKeys).Distinct();

    public IEnumerable<OffsetKey> PendingKeys => pending.Values.SelectMany(static offsets => offsets.Keys).Distinct();

    public void Commit(OffsetKey key, StoredOffset stored) => committed[key] = new(stored, ++changes);

    /// <summary>It counts when the producer's transaction is committed.</summary>
    public void Hold(long producerId, OffsetKey key, StoredOffset stored)
    {
        if (!pending.TryGetValue(producerId, out var held))
            pending.Add(producerId, held = []);
        held[key] = new(stored, ++changes);
    }

    /// <summary>A transaction ended: what it held counts from now on, or never did.</summary>
    /// <returns>What it held.</returns>
    public IReadOnlyCollection<OffsetKey> End(long producerId, bool commit)
    {
        if (!pending.Remove(producerId, out var held))
            return [];
        foreach (var (key, entry) in held)
        {
            if (commit && (!committed.TryGetValue(key, out var other) || other.Change < entry.Change))
                committed[key] = entry;
        }
        return held.Keys;
    }

    /// <summary>Forgets an offset, with what open transactions hold for it.</summary>
    public void Remove(OffsetKey key)
    {
        committed.Remove(key);
        foreach (var held in pending.Values)
            held.Remove(key);
    }

    private readonly record struct Numbered(StoredOffset Stored, long Change);
}
