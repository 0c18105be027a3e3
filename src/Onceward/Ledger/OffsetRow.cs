namespace Onceward.Ledger;

/// <summary>The key of a row of <c>consumer_offset</c>.</summary>
internal readonly record struct PartitionKey(int Subscription, int Partition);

/// <summary>What a row of <c>consumer_offset</c> says now.</summary>
internal readonly record struct OffsetRow(PartitionKey Key, long NextOffset, Epoch Epoch, bool IsRunning);
