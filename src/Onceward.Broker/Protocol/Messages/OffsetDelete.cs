namespace Onceward.Broker.Protocol.Messages;

/// <summary>One version, never flexible.</summary>
internal sealed record OffsetDeleteRequest(string GroupId, List<OffsetFetchTopic> Topics) : IRequest<OffsetDeleteRequest>
{
    public static OffsetDeleteRequest Read(ref WireReader reader) => new(reader.String(), reader.Array(OffsetFetchTopic.Read));
}

internal sealed record OffsetDeleteResponse(ErrorCode Error, List<CommittedTopic> Topics) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Error(Error);
        writer.Int32(0); // throttle time
        writer.Array(Topics, static (writer, topic) => topic.Write(writer));
    }
}
