using Confluent.Kafka;

namespace Onceward.Broker.Crash;

/// <summary>A record as a reader got it: whose it is, and its place among theirs.</summary>
internal readonly record struct Entry(long Offset, int Producer, long Number);

/// <summary>One partition as a reader got it.</summary>
/// <param name="Entries">In the order of the log.</param>
/// <param name="End">Where the reader came to an end.</param>
/// <param name="HighWatermark">Where the log ends.</param>
internal sealed record SeenPartition(IReadOnlyList<Entry> Entries, long End, long HighWatermark);

/// <summary>All that readers got at one moment.</summary>
/// <param name="Partitions">Of the transactional topic only what <c>read_committed</c> shows.</param>
/// <param name="Offset">The offset that the plain group has committed.</param>
/// <param name="TransactionalOffsets">The offsets that transactions have committed, by producer: the number after that of the last transaction.</param>
internal sealed record Seen(IReadOnlyDictionary<TopicPartition, SeenPartition> Partitions, long Offset, IReadOnlyList<long> TransactionalOffsets);
