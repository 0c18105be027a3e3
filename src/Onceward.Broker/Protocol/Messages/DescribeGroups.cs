namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 3 can ask for the allowed operations, 5 is flexible.</summary>
internal sealed record DescribeGroupsRequest(List<string> Groups, bool WithOperations) : IRequest<DescribeGroupsRequest>
{
    public static DescribeGroupsRequest Read(ref WireReader reader)
    {
        var request = new DescribeGroupsRequest(reader.StringArray(), reader.Version >= 3 && reader.Bool());
        reader.Tags();
        return request;
    }
}

/// <summary>Version 1 adds throttle time, 3 the operations, 4 the instance ids, 5 is flexible, 6 tells a group that is not there by an error.</summary>
internal sealed record DescribeGroupsResponse(List<DescribedGroup> Groups) : IResponse
{
    public void Write(WireWriter writer)
    {
        if (writer.Version >= 1)
            writer.Int32(0); // throttle time
        writer.Array(Groups, static (writer, group) => group.Write(writer));
        writer.Tags();
    }
}

internal sealed record DescribedGroup(
    ErrorCode Error, string? Message, string GroupId, string State, string ProtocolType, string Protocol, List<DescribedMember> Members)
{
    /// <summary>Operations were not asked for.</summary>
    public const int NoOperations = int.MinValue;

    public int Operations { get; init; } = NoOperations;

    public void Write(WireWriter writer)
    {
        writer.Error(Error);
        if (writer.Version >= 6)
            writer.String(Message);
        writer.String(GroupId);
        writer.String(State);
        writer.String(ProtocolType);
        writer.String(Protocol);
        writer.Array(Members, static (writer, member) => member.Write(writer));
        if (writer.Version >= 3)
            writer.Int32(Operations);
        writer.Tags();
    }
}

internal sealed record DescribedMember(string MemberId, string? InstanceId, string ClientId, string ClientHost, byte[] Metadata, byte[] Assignment)
{
    public void Write(WireWriter writer)
    {
        writer.String(MemberId);
        if (writer.Version >= 4)
            writer.String(InstanceId);
        writer.String(ClientId);
        writer.String(ClientHost);
        writer.Bytes(Metadata);
        writer.Bytes(Assignment);
        writer.Tags();
    }
}
