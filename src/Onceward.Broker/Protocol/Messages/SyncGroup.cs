namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 3 adds the instance id, 4 is flexible, 5 adds what the member believes the protocol to be.</summary>
internal sealed record SyncGroupRequest(
    string GroupId,
    int Generation,
    string MemberId,
    string? InstanceId,
    string? ProtocolType,
    string? Protocol,
    List<SyncAssignment> Assignments) : IRequest<SyncGroupRequest>
{
    public static SyncGroupRequest Read(ref WireReader reader)
    {
        var request = new SyncGroupRequest(
            reader.String(),
            reader.Int32(),
            reader.String(),
            reader.Version >= 3 ? reader.NullableString() : null,
            reader.Version >= 5 ? reader.NullableString() : null,
            reader.Version >= 5 ? reader.NullableString() : null,
            reader.Array(SyncAssignment.Read));
        reader.Tags();
        return request;
    }
}

internal sealed record SyncAssignment(string MemberId, byte[] Assignment)
{
    public static SyncAssignment Read(ref WireReader reader)
    {
        var assignment = new SyncAssignment(reader.String(), reader.Bytes().ToArray());
        reader.Tags();
        return assignment;
    }
}

/// <summary>Version 1 adds throttle time, 4 is flexible, 5 adds the protocol.</summary>
internal sealed record SyncGroupResponse(ErrorCode Error, string? ProtocolType, string? Protocol, byte[] Assignment) : IResponse
{
    public SyncGroupResponse(ErrorCode error)
        : this(error, null, null, [])
    {
    }

    public void Write(WireWriter writer)
    {
        if (writer.Version >= 1)
            writer.Int32(0); // throttle time
        writer.Error(Error);
        if (writer.Version >= 5)
        {
            writer.String(ProtocolType);
            writer.String(Protocol);
        }
        writer.Bytes(Assignment);
        writer.Tags();
    }
}
