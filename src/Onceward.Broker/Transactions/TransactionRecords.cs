using System.Runtime.InteropServices;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Transactions;

/// <summary>Keys and values of __transaction_state, version 0 of each: what Kafka's own tools decode.</summary>
/// <remarks>The id before an exhausted one, and the epoch before a renewed one, have no room in version 0: as in Kafka they do not outlive a restart.</remarks>
internal static class TransactionRecords
{
    private const short KeyVersion = 0;
    private const short ValueVersion = 0;

    public static byte[] Key(string transactionalId)
    {
        using var writer = new WireWriter(KeyVersion, flexible: false);
        writer.Int16(KeyVersion);
        writer.String(transactionalId);
        return writer.Written.ToArray();
    }

    public static byte[] Value(TransactionalProducer producer)
    {
        using var writer = new WireWriter(ValueVersion, flexible: false);
        writer.Int16(ValueVersion);
        writer.Int64(producer.ProducerId);
        writer.Int16(producer.Epoch);
        writer.Int32(producer.TimeoutMs);
        writer.Int8((sbyte)producer.Status);
        var topics = producer.Status == TransactionStatus.Empty ? null : producer.Partitions.GroupBy(partition => partition.Topic).ToList();
        writer.Array(topics, static (writer, topic) =>
        {
            writer.String(topic.Key);
            writer.Int32Array([.. topic.Select(partition => partition.Partition).Order()]);
        });
        writer.Int64(producer.UpdatedAt);
        writer.Int64(producer.StartedAt);
        return writer.Written.ToArray();
    }

    /// <exception cref="InvalidDataException">Another version wrote it, or it is damaged.</exception>
    public static string ReadKey(ReadOnlyMemory<byte> key) => Read(key, KeyVersion, static (ref WireReader reader) => reader.String());

    /// <exception cref="InvalidDataException">Another version wrote it, or it is damaged.</exception>
    public static TransactionalProducer ReadValue(string transactionalId, ReadOnlyMemory<byte> value) =>
        Read(value, ValueVersion, (ref WireReader reader) => new TransactionalProducer(transactionalId)
        {
            ProducerId = reader.Int64(),
            Epoch = reader.Int16(),
            TimeoutMs = reader.Int32(),
            Status = ReadStatus(reader.Int8()),
            Partitions = [.. (reader.NullableArray(ReadTopic) ?? []).SelectMany(topic => topic)],
            UpdatedAt = reader.Int64(),
            StartedAt = reader.Int64(),
        });

    private static T Read<T>(ReadOnlyMemory<byte> bytes, short version, ItemReader<T> read)
    {
        try
        {
            var reader = new WireReader(MemoryMarshal.AsMemory(bytes), version, flexible: false);
            var written = reader.Int16();
            return written == version ? read(ref reader) : throw Unreadable($"its version is {written}");
        }
        catch (MalformedRequestException e)
        {
            throw Unreadable(e.Message);
        }
    }

    private static TransactionStatus ReadStatus(sbyte number) => (TransactionStatus)number is var status and >= TransactionStatus.Empty and <= TransactionStatus.CompleteAbort
        ? status
        : throw Unreadable($"it has status {number}");

    private static List<TransactionPartition> ReadTopic(ref WireReader reader)
    {
        var topic = reader.String();
        return reader.Int32Array().ConvertAll(partition => new TransactionPartition(topic, partition));
    }

    private static InvalidDataException Unreadable(string why) =>
        new($"A record of {TransactionLog.TopicName} cannot be read ({why}): restore the data directory from a copy, or begin with an empty one.");
}
