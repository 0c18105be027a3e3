namespace Onceward.Ledger;

/// <summary>The key of a row of <c>consumer_offset</c>.</summary>
internal readonly record struct PartitionKey(int Subscription, int Partition);

/// <summary>What a row of <c>consumer_offset</c> says now.</summary>
internal readonly record struct OffsetRow(PartitionKey Key, long NextOffset, Epoch Epoch, bool IsRunning, Anchor? Anchor = null);

/// <summary>The last record that was applied, as far as it takes to recognise it: the proof that a log is the one we know.</summary>
internal readonly record struct Anchor(long Offset, int? LeaderEpoch, long Timestamp, long Hash)
{
    /// <summary>Whether this is the same record. A leader epoch that one of both does not know says nothing.</summary>
    public bool Is(Record record) =>
        record.Offset.Value == Offset && record.Message.Timestamp.UnixTimestampMs == Timestamp && OffsetStore.RecordHash(record) == Hash
        && (LeaderEpoch is not { } epoch || record.LeaderEpoch is not { } other || epoch == other);
}
