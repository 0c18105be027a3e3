namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 2 is flexible.</summary>
internal sealed record DeleteGroupsRequest(List<string> Groups) : IRequest<DeleteGroupsRequest>
{
    public static DeleteGroupsRequest Read(ref WireReader reader)
    {
        var request = new DeleteGroupsRequest(reader.StringArray());
        reader.Tags();
        return request;
    }
}

internal sealed record DeleteGroupsResponse(List<(string GroupId, ErrorCode Error)> Groups) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Array(Groups, static (writer, group) =>
        {
            writer.String(group.GroupId);
            writer.Error(group.Error);
            writer.Tags();
        });
        writer.Tags();
    }
}
