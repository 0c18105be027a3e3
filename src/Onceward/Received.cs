using System.Text;
using Confluent.Kafka;

namespace Onceward;

/// <summary>A decoded record with where it came from.</summary>
/// <param name="Message">The decoded value.</param>
/// <param name="Source">The record as the client delivered it: topic, partition, offset, key, headers, timestamp.</param>
public readonly record struct Received<TMessage>(TMessage Message, ConsumeResult<byte[], byte[]> Source)
{
    /// <summary>The record's place in the log.</summary>
    public TopicPartitionOffset Position => Source.TopicPartitionOffset;

    /// <summary>The record's key as UTF-8, or <see langword="null"/> where it has none.</summary>
    public string? Key => Source.Message.Key is { } key ? Encoding.UTF8.GetString(key) : null;
}
