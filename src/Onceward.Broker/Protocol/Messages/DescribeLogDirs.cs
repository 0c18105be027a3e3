namespace Onceward.Broker.Protocol.Messages;

/// <param name="Topics">Null: all.</param>
internal sealed record DescribeLogDirsRequest(List<(string Topic, List<int> Partitions)>? Topics) : IRequest<DescribeLogDirsRequest>
{
    public static DescribeLogDirsRequest Read(ref WireReader reader)
    {
        var request = new DescribeLogDirsRequest(reader.NullableArray(ReadTopic));
        reader.Tags();
        return request;
    }

    private static (string, List<int>) ReadTopic(ref WireReader reader)
    {
        var topic = (reader.String(), reader.Int32Array());
        reader.Tags();
        return topic;
    }
}

/// <summary>One directory is all there is. Version 4 adds the sizes of its volume, in bytes; -1: not known.</summary>
internal sealed record DescribeLogDirsResponse(
    string Directory, List<(string Topic, List<(int Partition, long Bytes)> Partitions)> Topics, long TotalBytes, long UsableBytes) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        if (writer.Version >= 3)
            writer.Error(ErrorCode.None);
        writer.Array([this], static (writer, response) => response.WriteDirectory(writer));
        writer.Tags();
    }

    private void WriteDirectory(WireWriter writer)
    {
        writer.Error(ErrorCode.None);
        writer.String(Directory);
        writer.Array(Topics, static (writer, topic) =>
        {
            writer.String(topic.Topic);
            writer.Array(topic.Partitions, WritePartition);
            writer.Tags();
        });
        if (writer.Version >= 4)
        {
            writer.Int64(TotalBytes);
            writer.Int64(UsableBytes);
        }
        writer.Tags();
    }

    private static void WritePartition(WireWriter writer, (int Partition, long Bytes) partition)
    {
        writer.Int32(partition.Partition);
        writer.Int64(partition.Bytes);
        writer.Int64(0); // lag of a replica that is moving
        writer.Bool(false); // such a replica
        writer.Tags();
    }
}
