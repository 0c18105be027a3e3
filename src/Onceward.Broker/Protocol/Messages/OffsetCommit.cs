namespace Onceward.Broker.Protocol.Messages;

/// <summary>
/// Version 1 has a timestamp a partition, 2 to 4 a retention time for all, 6 adds the leader epoch, 7 the instance id, 8 is flexible.
/// </summary>
internal sealed record OffsetCommitRequest(
    string GroupId, int Generation, string MemberId, string? InstanceId, long RetentionMs, List<CommitTopic> Topics) : IRequest<OffsetCommitRequest>
{
    public static OffsetCommitRequest Read(ref WireReader reader)
    {
        var request = new OffsetCommitRequest(
            reader.String(),
            reader.Int32(),
            reader.String(),
            reader.Version >= 7 ? reader.NullableString() : null,
            reader.Version is >= 2 and <= 4 ? reader.Int64() : -1,
            reader.Array(ReadTopic));
        reader.Tags();
        return request;
    }

    private static CommitTopic ReadTopic(ref WireReader reader)
    {
        var topic = new CommitTopic(reader.String(), reader.Array(ReadPartition));
        reader.Tags();
        return topic;
    }

    private static CommitPartition ReadPartition(ref WireReader reader)
    {
        var (partition, offset) = (reader.Int32(), reader.Int64());
        var epoch = reader.Version >= 6 ? reader.Int32() : -1;
        if (reader.Version == 1)
            reader.Int64(); // A timestamp of the client's, which Kafka has not stored for long.
        var committed = new CommitPartition(partition, offset, epoch, reader.NullableString());
        reader.Tags();
        return committed;
    }
}

/// <summary>Offsets to store for a topic; of a transaction or not.</summary>
internal sealed record CommitTopic(string Name, List<CommitPartition> Partitions);

internal sealed record CommitPartition(int Partition, long Offset, int LeaderEpoch, string? Metadata);

/// <summary>Version 3 adds throttle time, 8 is flexible.</summary>
internal sealed record OffsetCommitResponse(List<CommittedTopic> Topics) : IResponse
{
    public void Write(WireWriter writer)
    {
        if (writer.Version >= 3)
            writer.Int32(0); // throttle time
        writer.Array(Topics, static (writer, topic) => topic.Write(writer));
        writer.Tags();
    }
}

/// <summary>What became of each partition of a commit or of a deletion of offsets.</summary>
internal sealed record CommittedTopic(string Name, List<(int Partition, ErrorCode Error)> Partitions)
{
    public void Write(WireWriter writer)
    {
        writer.String(Name);
        writer.Array(Partitions, static (writer, partition) =>
        {
            writer.Int32(partition.Partition);
            writer.Error(partition.Error);
            writer.Tags();
        });
        writer.Tags();
    }
}
