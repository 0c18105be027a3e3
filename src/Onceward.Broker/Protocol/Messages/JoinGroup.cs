namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 1 adds the rebalance time-out, 5 the instance id, 6 is flexible, 8 adds the reason.</summary>
internal sealed record JoinGroupRequest(
    string GroupId,
    int SessionTimeoutMs,
    int RebalanceTimeoutMs,
    string MemberId,
    string? InstanceId,
    string ProtocolType,
    List<JoinProtocol> Protocols,
    string? Reason) : IRequest<JoinGroupRequest>
{
    public static JoinGroupRequest Read(ref WireReader reader)
    {
        var groupId = reader.String();
        var session = reader.Int32();
        var request = new JoinGroupRequest(
            groupId,
            session,
            reader.Version >= 1 ? reader.Int32() : session,
            reader.String(),
            reader.Version >= 5 ? reader.NullableString() : null,
            reader.String(),
            reader.Array(JoinProtocol.Read),
            reader.Version >= 8 ? reader.NullableString() : null);
        reader.Tags();
        return request;
    }
}

/// <summary>A way to assign partitions that a member offers, with what it wants the assignor to know.</summary>
/// <remarks>The metadata are the member's own copy: they outlive the request.</remarks>
internal sealed record JoinProtocol(string Name, byte[] Metadata)
{
    public static JoinProtocol Read(ref WireReader reader)
    {
        var protocol = new JoinProtocol(reader.String(), reader.Bytes().ToArray());
        reader.Tags();
        return protocol;
    }
}

/// <summary>Version 2 adds throttle time, 5 the instance ids, 6 is flexible, 7 adds the protocol type and lets the name be null, 9 adds the skipped assignment.</summary>
internal sealed record JoinGroupResponse(ErrorCode Error, string MemberId) : IResponse
{
    public int Generation { get; init; } = -1;

    public string? ProtocolType { get; init; }

    public string? Protocol { get; init; }

    public string Leader { get; init; } = "";

    /// <summary>The leader need not assign anything: the assignment stands.</summary>
    public bool SkipAssignment { get; init; }

    /// <summary>All members, for the leader only.</summary>
    public List<JoinedMember> Members { get; init; } = [];

    public void Write(WireWriter writer)
    {
        if (writer.Version >= 2)
            writer.Int32(0); // throttle time
        writer.Error(Error);
        writer.Int32(Generation);
        if (writer.Version >= 7)
            writer.String(ProtocolType);
        writer.String(writer.Version >= 7 ? Protocol : Protocol ?? "");
        writer.String(Leader);
        if (writer.Version >= 9)
            writer.Bool(SkipAssignment);
        writer.String(MemberId);
        writer.Array(Members, static (writer, member) => member.Write(writer));
        writer.Tags();
    }
}

internal sealed record JoinedMember(string MemberId, string? InstanceId, byte[] Metadata)
{
    public void Write(WireWriter writer)
    {
        writer.String(MemberId);
        if (writer.Version >= 5)
            writer.String(InstanceId);
        writer.Bytes(Metadata);
        writer.Tags();
    }
}
