namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 3 is flexible, 4 adds a filter by state, 5 one by type. An empty filter lets everything pass.</summary>
internal sealed record ListGroupsRequest(List<string> States, List<string> Types) : IRequest<ListGroupsRequest>
{
    public static ListGroupsRequest Read(ref WireReader reader)
    {
        var request = new ListGroupsRequest(
            reader.Version >= 4 ? reader.StringArray() : [],
            reader.Version >= 5 ? reader.StringArray() : []);
        reader.Tags();
        return request;
    }
}

/// <summary>Version 1 adds throttle time, 3 is flexible, 4 adds the state, 5 the type.</summary>
internal sealed record ListGroupsResponse(List<ListedGroup> Groups) : IResponse
{
    public void Write(WireWriter writer)
    {
        if (writer.Version >= 1)
            writer.Int32(0); // throttle time
        writer.Error(ErrorCode.None);
        writer.Array(Groups, static (writer, group) => group.Write(writer));
        writer.Tags();
    }
}

internal sealed record ListedGroup(string GroupId, string ProtocolType, string State)
{
    public const string Type = "classic";

    public void Write(WireWriter writer)
    {
        writer.String(GroupId);
        writer.String(ProtocolType);
        if (writer.Version >= 4)
            writer.String(State);
        if (writer.Version >= 5)
            writer.String(Type);
        writer.Tags();
    }
}
