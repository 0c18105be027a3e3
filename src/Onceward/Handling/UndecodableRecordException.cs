using Confluent.Kafka;

namespace Onceward.Handling;

/// <summary>A record's bytes cannot be decoded, now or ever: it becomes a dead letter at the first attempt.</summary>
internal sealed class UndecodableRecordException(TopicPartitionOffset at, Type type, Exception cause) : OncewardException(
    ErrorCodes.Undecodable, $"The value at {at.Topic}[{at.Partition.Value}]@{at.Offset.Value} is not a {type.Name}: {cause.Message}", cause);
