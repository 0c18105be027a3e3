namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 1 adds the kind of endpoint: brokers or controllers.</summary>
internal sealed record DescribeClusterRequest(bool Operations, sbyte Endpoints) : IRequest<DescribeClusterRequest>
{
    public const sbyte Brokers = 1;
    public const sbyte Controllers = 2;

    public static DescribeClusterRequest Read(ref WireReader reader)
    {
        var request = new DescribeClusterRequest(reader.Bool(), reader.Version >= 1 ? reader.Int8() : Brokers);
        reader.Tags();
        return request;
    }
}

internal sealed record DescribeClusterResponse(ErrorCode Error, string? Message, sbyte Endpoints, string ClusterId, NodeAddress? Node, int Operations) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Error(Error);
        writer.String(Message);
        if (writer.Version >= 1)
            writer.Int8(Endpoints);
        writer.String(ClusterId);
        writer.Int32(Node?.Id ?? -1);
        NodeAddress[] nodes = Node is null ? [] : [Node];
        writer.Array(nodes, static (writer, node) => node.Write(writer, withRack: true));
        writer.Int32(Operations);
        writer.Tags();
    }
}
