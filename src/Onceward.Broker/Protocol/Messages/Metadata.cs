namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 1 makes null mean all topics (0: the empty list), 4 adds leave to create, 8 wishes for authorized operations, 10 topic ids.</summary>
/// <param name="Topics">Null: all.</param>
/// <param name="AllowAutoCreation">The client's leave; the broker's is needed too.</param>
/// <param name="ClusterOperations">Versions 8 to 10.</param>
/// <param name="TopicOperations">From version 8.</param>
internal sealed record MetadataRequest(List<MetadataTopicId>? Topics, bool AllowAutoCreation, bool ClusterOperations, bool TopicOperations) : IRequest<MetadataRequest>
{
    public static MetadataRequest Read(ref WireReader reader)
    {
        var topics = reader.NullableArray(MetadataTopicId.Read);
        if (reader.Version == 0 && topics is { Count: 0 })
            topics = null;
        var request = new MetadataRequest(
            topics,
            reader.Version < 4 || reader.Bool(),
            reader.Version is >= 8 and <= 10 && reader.Bool(),
            reader.Version >= 8 && reader.Bool());
        reader.Tags();
        return request;
    }
}

/// <summary>A topic by its name, or, where that is null, by its id.</summary>
internal readonly record struct MetadataTopicId(string? Name, Guid Id)
{
    public static MetadataTopicId Read(ref WireReader reader)
    {
        var id = reader.Version >= 10 ? reader.Uuid() : Guid.Empty;
        var topic = new MetadataTopicId(reader.Version >= 10 ? reader.NullableString() : reader.String(), id);
        reader.Tags();
        return topic;
    }
}

/// <summary>The one node of the cluster, as answers name it.</summary>
internal sealed record NodeAddress(int Id, string Host, int Port)
{
    public void Write(WireWriter writer, bool withRack)
    {
        writer.Int32(Id);
        writer.String(Host);
        writer.Int32(Port);
        if (withRack)
            writer.String(null);
        writer.Tags();
    }
}

/// <summary>Version 1 adds the controller, 2 the cluster's id, 3 the throttle time, 5 offline replicas, 7 leader epochs, 10 topic ids, 13 an error of the whole.</summary>
internal sealed record MetadataResponse(NodeAddress Node, string ClusterId, List<MetadataTopic> Topics, int ClusterOperations) : IResponse
{
    public int SizeHint => 512 + Topics.Sum(topic => 64 + 48 * topic.LeaderEpochs.Count);

    public void Write(WireWriter writer)
    {
        if (writer.Version >= 3)
            writer.Int32(0); // throttle time
        writer.Array([Node], static (writer, node) => node.Write(writer, withRack: writer.Version >= 1));
        if (writer.Version >= 2)
            writer.String(ClusterId);
        if (writer.Version >= 1)
            writer.Int32(Node.Id);
        writer.Array(Topics, (writer, topic) => topic.Write(writer, Node.Id));
        if (writer.Version is >= 8 and <= 10)
            writer.Int32(ClusterOperations);
        if (writer.Version >= 13)
            writer.Error(ErrorCode.None);
        writer.Tags();
    }
}

/// <param name="Error">None where the topic is there.</param>
/// <param name="Name">Null where an id was asked for that is not known.</param>
/// <param name="Id">All zeros where it is not known.</param>
/// <param name="IsInternal">The broker's own.</param>
/// <param name="LeaderEpochs">By partition.</param>
/// <param name="Operations">What the client may do with it, a bit an operation.</param>
internal sealed record MetadataTopic(ErrorCode Error, string? Name, Guid Id, bool IsInternal, IReadOnlyList<int> LeaderEpochs, int Operations)
{
    public void Write(WireWriter writer, int node)
    {
        writer.Error(Error);
        writer.String(writer.Version >= 12 ? Name : Name ?? "");
        if (writer.Version >= 10)
            writer.Uuid(Id);
        if (writer.Version >= 1)
            writer.Bool(IsInternal);
        WritePartitions(writer, node);
        if (writer.Version >= 8)
            writer.Int32(Operations);
        writer.Tags();
    }

    private void WritePartitions(WireWriter writer, int node)
    {
        int[] nodes = [node];
        writer.BytesLength(LeaderEpochs.Count); // The encoding of an array's count is that of a length.
        for (var partition = 0; partition < LeaderEpochs.Count; partition++)
        {
            writer.Error(ErrorCode.None);
            writer.Int32(partition);
            writer.Int32(node);
            if (writer.Version >= 7)
                writer.Int32(LeaderEpochs[partition]);
            writer.Int32Array(nodes);
            writer.Int32Array(nodes);
            if (writer.Version >= 5)
                writer.Int32Array([]);
            writer.Tags();
        }
    }
}
