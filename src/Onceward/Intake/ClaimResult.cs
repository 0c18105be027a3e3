using Confluent.Kafka;
using Onceward.Ledger;

namespace Onceward.Intake;

/// <summary>What became of an attempt to claim partitions.</summary>
internal sealed record ClaimResult(IReadOnlyList<Grant> Granted, IReadOnlyList<Refusal> Refused, IReadOnlyList<Stop> Stopped);

/// <summary>A partition that is ours under a new epoch, with a log that can be the one we know.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Row">The ledger's row.</param>
/// <param name="Start">Where the client begins: at the anchor, if the log still has it.</param>
/// <param name="MayHaveParkedKeys">Whether the subscription had parked keys when the row was claimed.</param>
internal sealed record Grant(TopicPartition Partition, OffsetRow Row, long Start, bool MayHaveParkedKeys);

/// <summary>A partition that cannot be claimed yet.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="HeldKey">Its row, if a running transaction holds it.</param>
/// <param name="Start">Where a client would begin if that transaction ended without effect.</param>
internal sealed record Refusal(TopicPartition Partition, PartitionKey? HeldKey, long? Start);

/// <summary>A partition that must not be read until a person has decided.</summary>
internal sealed record Stop(TopicPartition Partition, PartitionKey? Key, string Reason);
