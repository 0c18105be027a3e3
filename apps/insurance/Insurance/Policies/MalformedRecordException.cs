using Confluent.Kafka;

namespace Insurance.Policies;

/// <summary>A record decodes, and still is none that its topic may have.</summary>
internal sealed class MalformedRecordException(TopicPartitionOffset at, string fault)
    : Exception($"The record at {at.Topic}[{at.Partition.Value}]@{at.Offset.Value} {fault}; it cannot be applied, now or later.");
