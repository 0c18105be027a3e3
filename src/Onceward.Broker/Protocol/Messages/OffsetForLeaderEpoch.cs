namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 3 adds the replica that asks, 4 is flexible.</summary>
internal sealed record OffsetForLeaderEpochRequest(List<EpochTopic> Topics) : IRequest<OffsetForLeaderEpochRequest>
{
    public static OffsetForLeaderEpochRequest Read(ref WireReader reader)
    {
        if (reader.Version >= 3)
            reader.Int32(); // replica: only consumers ask here
        var request = new OffsetForLeaderEpochRequest(reader.Array(EpochTopic.Read));
        reader.Tags();
        return request;
    }
}

internal sealed record EpochTopic(string Name, List<(int Partition, int CurrentEpoch, int Epoch)> Partitions)
{
    public static EpochTopic Read(ref WireReader reader)
    {
        var topic = new EpochTopic(reader.String(), reader.Array(ReadPartition));
        reader.Tags();
        return topic;
    }

    private static (int, int, int) ReadPartition(ref WireReader reader)
    {
        var partition = (reader.Int32(), reader.Int32(), reader.Int32());
        reader.Tags();
        return partition;
    }
}

internal sealed record OffsetForLeaderEpochResponse(List<EndedTopic> Topics) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Array(Topics, static (writer, topic) =>
        {
            writer.String(topic.Name);
            writer.Array(topic.Partitions, static (writer, partition) => partition.Write(writer));
            writer.Tags();
        });
        writer.Tags();
    }
}

internal sealed record EndedTopic(string Name, List<EndedEpoch> Partitions);

/// <param name="Partition">The partition.</param>
/// <param name="Error">None where the answer is one.</param>
/// <param name="Epoch">The largest known epoch not above the one asked for; -1: none.</param>
/// <param name="EndOffset">Where it ended.</param>
internal readonly record struct EndedEpoch(int Partition, ErrorCode Error, int Epoch = -1, long EndOffset = -1)
{
    public void Write(WireWriter writer)
    {
        writer.Error(Error);
        writer.Int32(Partition);
        writer.Int32(Epoch);
        writer.Int64(EndOffset);
        writer.Tags();
    }
}
