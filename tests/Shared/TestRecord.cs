using System.Text;
using Confluent.Kafka;

namespace Onceward.TestSupport;

/// <summary>Records as the client would deliver them, made by hand.</summary>
public static class TestRecord
{
    /// <summary>A record at a place in a log; <paramref name="value"/> is taken as UTF-8.</summary>
    public static ConsumeResult<byte[], byte[]> At(TopicPartition partition, long offset, string? value = "", string? key = null, Headers? headers = null) => new()
    {
        TopicPartitionOffset = new TopicPartitionOffset(partition, offset),
        LeaderEpoch = 3,
        Message = new Message<byte[], byte[]>
        {
            Key = key is null ? null! : Encoding.UTF8.GetBytes(key),
            Value = value is null ? null! : Encoding.UTF8.GetBytes(value),
            Headers = headers ?? [],
            Timestamp = new Timestamp(1_700_000_000_000 + offset, TimestampType.CreateTime),
        },
    };

    /// <summary>The value of a header as text; <see langword="null"/> if there is none of that name.</summary>
    public static string? Text(this Headers headers, string name) =>
        headers.TryGetLastBytes(name, out var bytes) ? Encoding.UTF8.GetString(bytes) : null;
}
