namespace Onceward.Broker.Protocol.Messages;

internal sealed record DeleteRecordsRequest(List<DeleteRecordsTopic> Topics) : IRequest<DeleteRecordsRequest>
{
    public static DeleteRecordsRequest Read(ref WireReader reader)
    {
        var topics = reader.Array(DeleteRecordsTopic.Read);
        reader.Int32(); // time-out: what is done here is done at once
        reader.Tags();
        return new(topics);
    }
}

/// <param name="Name">The topic.</param>
/// <param name="Partitions">With the first offset to keep; -1: the high watermark.</param>
internal sealed record DeleteRecordsTopic(string Name, List<(int Partition, long Offset)> Partitions)
{
    public static DeleteRecordsTopic Read(ref WireReader reader)
    {
        var topic = new DeleteRecordsTopic(reader.String(), reader.Array(ReadPartition));
        reader.Tags();
        return topic;
    }

    private static (int, long) ReadPartition(ref WireReader reader)
    {
        var partition = (reader.Int32(), reader.Int64());
        reader.Tags();
        return partition;
    }
}

internal sealed record DeleteRecordsResponse(List<DeletedRecordsTopic> Topics) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Array(Topics, static (writer, topic) => topic.Write(writer));
        writer.Tags();
    }
}

internal sealed record DeletedRecordsTopic(string Name, List<(int Partition, long LowWatermark, ErrorCode Error)> Partitions)
{
    public void Write(WireWriter writer)
    {
        writer.String(Name);
        writer.Array(Partitions, static (writer, partition) =>
        {
            writer.Int32(partition.Partition);
            writer.Int64(partition.LowWatermark);
            writer.Error(partition.Error);
            writer.Tags();
        });
        writer.Tags();
    }
}
