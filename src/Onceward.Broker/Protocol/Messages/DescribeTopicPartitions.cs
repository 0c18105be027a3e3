namespace Onceward.Broker.Protocol.Messages;

/// <param name="Topics">Empty: all.</param>
/// <param name="PartitionLimit">Most partitions of one answer.</param>
/// <param name="From">Where to go on; null: from the beginning.</param>
internal sealed record DescribeTopicPartitionsRequest(List<string> Topics, int PartitionLimit, TopicCursor? From) : IRequest<DescribeTopicPartitionsRequest>
{
    public static DescribeTopicPartitionsRequest Read(ref WireReader reader)
    {
        var topics = reader.Array(static (ref WireReader reader) =>
        {
            var name = reader.String();
            reader.Tags();
            return name;
        });
        var request = new DescribeTopicPartitionsRequest(topics, reader.Int32(), TopicCursor.Read(ref reader));
        reader.Tags();
        return request;
    }
}

/// <summary>A page's end: the partition that the next one begins with.</summary>
internal sealed record TopicCursor(string Topic, int Partition)
{
    private const sbyte Null = -1;

    public static TopicCursor? Read(ref WireReader reader)
    {
        if (reader.Int8() == Null)
            return null;
        var cursor = new TopicCursor(reader.String(), reader.Int32());
        reader.Tags();
        return cursor;
    }

    public static void Write(WireWriter writer, TopicCursor? cursor)
    {
        writer.Int8(cursor is null ? Null : (sbyte)1);
        if (cursor is null)
            return;
        writer.String(cursor.Topic);
        writer.Int32(cursor.Partition);
        writer.Tags();
    }
}

internal sealed record DescribeTopicPartitionsResponse(int Node, List<DescribedTopic> Topics, TopicCursor? Next) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Array(Topics, (writer, topic) => topic.Write(writer, Node));
        TopicCursor.Write(writer, Next);
        writer.Tags();
    }
}

internal sealed record DescribedTopic(
    ErrorCode Error, string Name, Guid Id, bool IsInternal, List<(int Partition, int LeaderEpoch)> Partitions, int Operations)
{
    public void Write(WireWriter writer, int node)
    {
        writer.Error(Error);
        writer.String(Name);
        writer.Uuid(Id);
        writer.Bool(IsInternal);
        int[] nodes = [node];
        writer.Array(Partitions, (writer, partition) =>
        {
            writer.Error(ErrorCode.None);
            writer.Int32(partition.Partition);
            writer.Int32(node);
            writer.Int32(partition.LeaderEpoch);
            writer.Int32Array(nodes);
            writer.Int32Array(nodes);
            writer.Int32Array([]); // eligible leaders
            writer.Int32Array([]); // last known eligible leaders
            writer.Int32Array([]); // offline
            writer.Tags();
        });
        writer.Int32(Operations);
        writer.Tags();
    }
}
