namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 3 lets several members leave, by instance id where the member id is not known; 4 is flexible, 5 adds the reason.</summary>
internal sealed record LeaveGroupRequest(string GroupId, List<LeavingMember> Members) : IRequest<LeaveGroupRequest>
{
    public static LeaveGroupRequest Read(ref WireReader reader)
    {
        var request = new LeaveGroupRequest(
            reader.String(),
            reader.Version >= 3 ? reader.Array(LeavingMember.Read) : [new LeavingMember(reader.String(), null, null)]);
        reader.Tags();
        return request;
    }
}

internal sealed record LeavingMember(string MemberId, string? InstanceId, string? Reason)
{
    public static LeavingMember Read(ref WireReader reader)
    {
        var member = new LeavingMember(reader.String(), reader.NullableString(), reader.Version >= 5 ? reader.NullableString() : null);
        reader.Tags();
        return member;
    }
}

/// <summary>Version 1 adds throttle time, 3 an answer for each member, 4 is flexible. Before version 3 the one member's error is the answer's.</summary>
internal sealed record LeaveGroupResponse(ErrorCode Error, List<LeftMember> Members) : IResponse
{
    public void Write(WireWriter writer)
    {
        if (writer.Version >= 1)
            writer.Int32(0); // throttle time
        writer.Error(writer.Version < 3 && Error == ErrorCode.None && Members is [var only] ? only.Error : Error);
        if (writer.Version >= 3)
            writer.Array(Members, static (writer, member) => member.Write(writer));
        writer.Tags();
    }
}

internal sealed record LeftMember(string MemberId, string? InstanceId, ErrorCode Error)
{
    public void Write(WireWriter writer)
    {
        writer.String(MemberId);
        writer.String(InstanceId);
        writer.Error(Error);
        writer.Tags();
    }
}
