using Onceward.Broker.Log;

namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 2 adds the isolation level, 4 the leader epoch that the client knows, 6 is flexible, 10 adds a time-out for remote storage.</summary>
internal sealed record ListOffsetsRequest(bool ReadCommitted, List<ListOffsetsTopic> Topics) : IRequest<ListOffsetsRequest>
{
    public static ListOffsetsRequest Read(ref WireReader reader)
    {
        reader.Int32(); // replica: only consumers ask here
        var request = new ListOffsetsRequest(reader.Version >= 2 && reader.Int8() == 1, reader.Array(ListOffsetsTopic.Read));
        if (reader.Version >= 10)
            reader.Int32();
        reader.Tags();
        return request;
    }
}

internal sealed record ListOffsetsTopic(string Name, List<ListOffsetsPartition> Partitions)
{
    public static ListOffsetsTopic Read(ref WireReader reader)
    {
        var topic = new ListOffsetsTopic(reader.String(), reader.Array(ListOffsetsPartition.Read));
        reader.Tags();
        return topic;
    }
}

/// <param name="Partition">The partition.</param>
/// <param name="LeaderEpoch">As the client knows it; -1: not checked.</param>
/// <param name="Timestamp">In milliseconds since 1970; negative ones name places.</param>
internal readonly record struct ListOffsetsPartition(int Partition, int LeaderEpoch, long Timestamp)
{
    public const long Latest = -1;
    public const long Earliest = -2;
    public const long MaxTimestamp = -3; // from version 7
    public const long EarliestLocal = -4; // from version 8
    public const long LatestTiered = -5; // from version 9

    public static ListOffsetsPartition Read(ref WireReader reader)
    {
        var partition = new ListOffsetsPartition(reader.Int32(), reader.Version >= 4 ? reader.Int32() : -1, reader.Int64());
        reader.Tags();
        return partition;
    }
}

internal sealed record ListOffsetsResponse(List<ListedTopic> Topics) : IResponse
{
    public void Write(WireWriter writer)
    {
        if (writer.Version >= 2)
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

internal sealed record ListedTopic(string Name, List<ListedPartition> Partitions);

internal readonly record struct ListedPartition(int Partition, ErrorCode Error, TimestampedOffset Found)
{
    public static TimestampedOffset Nothing { get; } = new(-1, -1, -1);

    public void Write(WireWriter writer)
    {
        writer.Int32(Partition);
        writer.Error(Error);
        writer.Int64(Found.Timestamp);
        writer.Int64(Found.Offset);
        if (writer.Version >= 4)
            writer.Int32(Found.LeaderEpoch);
        writer.Tags();
    }
}
