namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 3 brings batches of magic 2 and the transactional id; those before it carry older message sets, which are not taken.</summary>
internal sealed record ProduceRequest(string? TransactionalId, short Acks, List<ProduceTopic> Topics) : IRequest<ProduceRequest>
{
    public static ProduceRequest Read(ref WireReader reader)
    {
        var transactionalId = reader.Version >= 3 ? reader.NullableString() : null;
        var acks = reader.Int16();
        reader.Int32(); // time-out: for replicas, of which there are none
        var request = new ProduceRequest(transactionalId, acks, reader.Array(ProduceTopic.Read));
        reader.Tags();
        return request;
    }
}

/// <param name="Name">The topic.</param>
/// <param name="Partitions">The records lie in the request's frame.</param>
internal sealed record ProduceTopic(string Name, List<(int Partition, Memory<byte>? Records)> Partitions)
{
    public static ProduceTopic Read(ref WireReader reader)
    {
        var topic = new ProduceTopic(reader.String(), reader.Array(ReadPartition));
        reader.Tags();
        return topic;
    }

    private static (int, Memory<byte>?) ReadPartition(ref WireReader reader)
    {
        var partition = (reader.Int32(), reader.NullableBytes());
        reader.Tags();
        return partition;
    }
}

/// <summary>Version 1 adds the throttle time, 2 the append time, 5 the log's start, 8 messages about errors.</summary>
internal sealed record ProduceResponse(List<ProducedTopic> Topics) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Array(Topics, static (writer, topic) =>
        {
            writer.String(topic.Name);
            writer.Array(topic.Partitions, static (writer, partition) => partition.Write(writer));
            writer.Tags();
        });
        if (writer.Version >= 1)
            writer.Int32(0); // throttle time
        writer.Tags();
    }
}

internal sealed record ProducedTopic(string Name, ProducedPartition[] Partitions);

internal readonly record struct ProducedPartition(int Partition, Log.AppendResult Result)
{
    public void Write(WireWriter writer)
    {
        writer.Int32(Partition);
        writer.Error(Result.Error);
        writer.Int64(Result.BaseOffset);
        if (writer.Version >= 2)
            writer.Int64(Result.LogAppendTime);
        if (writer.Version >= 5)
            writer.Int64(Result.LogStartOffset);
        if (writer.Version >= 8)
        {
            writer.Array(Result.BadRecords ?? [], static (writer, index) =>
            {
                writer.Int32(index);
                writer.String("Compacted topic cannot accept message without key");
                writer.Tags();
            });
            writer.String(Result.Message);
        }
        writer.Tags();
    }
}
