namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 3 adds the instance id, 4 is flexible.</summary>
internal sealed record HeartbeatRequest(string GroupId, int Generation, string MemberId, string? InstanceId) : IRequest<HeartbeatRequest>
{
    public static HeartbeatRequest Read(ref WireReader reader)
    {
        var request = new HeartbeatRequest(
            reader.String(), reader.Int32(), reader.String(), reader.Version >= 3 ? reader.NullableString() : null);
        reader.Tags();
        return request;
    }
}

/// <summary>Version 1 adds throttle time, 4 is flexible.</summary>
internal sealed record HeartbeatResponse(ErrorCode Error) : IResponse
{
    public void Write(WireWriter writer)
    {
        if (writer.Version >= 1)
            writer.Int32(0); // throttle time
        writer.Error(Error);
        writer.Tags();
    }
}
