namespace Onceward.Broker.Protocol.Messages;

/// <summary>
/// Version 2 lets the topics be null for all, 6 is flexible, 7 can wait for open transactions, 8 asks for several groups, 9 adds the member,
/// which only groups of the newer protocol check.
/// </summary>
internal sealed record OffsetFetchRequest(List<OffsetFetchGroup> Groups, bool RequireStable) : IRequest<OffsetFetchRequest>
{
    public static OffsetFetchRequest Read(ref WireReader reader)
    {
        var groups = reader.Version >= 8
            ? reader.Array(OffsetFetchGroup.Read)
            : [new OffsetFetchGroup(reader.String(), reader.Version >= 2 ? reader.NullableArray(OffsetFetchTopic.Read) : reader.Array(OffsetFetchTopic.Read))];
        var request = new OffsetFetchRequest(groups, reader.Version >= 7 && reader.Bool());
        reader.Tags();
        return request;
    }
}

/// <param name="GroupId">May be empty: the group of those who name none.</param>
/// <param name="Topics">Null: all that have an offset.</param>
internal sealed record OffsetFetchGroup(string GroupId, List<OffsetFetchTopic>? Topics)
{
    public static OffsetFetchGroup Read(ref WireReader reader)
    {
        var id = reader.String();
        if (reader.Version >= 9)
        {
            reader.NullableString(); // member id and epoch: of the newer group protocol
            reader.Int32();
        }
        var group = new OffsetFetchGroup(id, reader.NullableArray(OffsetFetchTopic.Read));
        reader.Tags();
        return group;
    }
}

internal sealed record OffsetFetchTopic(string Name, List<int> Partitions)
{
    public static OffsetFetchTopic Read(ref WireReader reader)
    {
        var topic = new OffsetFetchTopic(reader.String(), reader.Int32Array());
        reader.Tags();
        return topic;
    }
}

/// <summary>Version 2 adds the error of the whole, 3 throttle time, 5 the leader epoch, 6 is flexible, 8 answers several groups.</summary>
internal sealed record OffsetFetchResponse(List<FetchedGroup> Groups) : IResponse
{
    public void Write(WireWriter writer)
    {
        if (writer.Version >= 3)
            writer.Int32(0); // throttle time
        if (writer.Version >= 8)
            writer.Array(Groups, static (writer, group) => group.Write(writer));
        else
            Groups[0].WriteAlone(writer);
        writer.Tags();
    }
}

internal sealed record FetchedGroup(string GroupId, ErrorCode Error, List<FetchedTopic> Topics)
{
    public void Write(WireWriter writer)
    {
        writer.String(GroupId);
        writer.Array(Topics, static (writer, topic) => topic.Write(writer));
        writer.Error(Error);
        writer.Tags();
    }

    public void WriteAlone(WireWriter writer)
    {
        writer.Array(Topics, static (writer, topic) => topic.Write(writer));
        if (writer.Version >= 2)
            writer.Error(Error);
    }
}

internal sealed record FetchedTopic(string Name, List<FetchedOffset> Partitions)
{
    public void Write(WireWriter writer)
    {
        writer.String(Name);
        writer.Array(Partitions, static (writer, offset) => offset.Write(writer));
        writer.Tags();
    }
}

internal sealed record FetchedOffset(int Partition, long Offset, int LeaderEpoch, string? Metadata, ErrorCode Error)
{
    /// <summary>Nothing is committed, or what is cannot be told.</summary>
    public static FetchedOffset None(int partition, ErrorCode error = ErrorCode.None) => new(partition, -1, -1, "", error);

    public void Write(WireWriter writer)
    {
        writer.Int32(Partition);
        writer.Int64(Offset);
        if (writer.Version >= 5)
            writer.Int32(LeaderEpoch);
        writer.String(Metadata);
        writer.Error(Error);
        writer.Tags();
    }
}
