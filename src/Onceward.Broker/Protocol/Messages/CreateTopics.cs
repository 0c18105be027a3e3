namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 1 adds the dry run, 4 lets partitions and replication factor be -1 for the defaults, 5 is flexible.</summary>
internal sealed record CreateTopicsRequest(List<CreatableTopic> Topics, bool ValidateOnly) : IRequest<CreateTopicsRequest>
{
    public static CreateTopicsRequest Read(ref WireReader reader)
    {
        var topics = reader.Array(CreatableTopic.Read);
        reader.Int32(); // time-out: what is done here is done at once
        var request = new CreateTopicsRequest(topics, reader.Version >= 1 && reader.Bool());
        reader.Tags();
        return request;
    }
}

internal sealed record CreatableTopic(
    string Name, int Partitions, short ReplicationFactor, List<CreatableAssignment> Assignment, List<(string Name, string? Value)> Configs)
{
    public static CreatableTopic Read(ref WireReader reader)
    {
        var topic = new CreatableTopic(reader.String(), reader.Int32(), reader.Int16(), reader.Array(CreatableAssignment.Read), reader.Array(ReadConfig));
        reader.Tags();
        return topic;
    }

    private static (string, string?) ReadConfig(ref WireReader reader)
    {
        var config = (reader.String(), reader.NullableString());
        reader.Tags();
        return config;
    }
}

internal sealed record CreatableAssignment(int Partition, List<int> Brokers)
{
    public static CreatableAssignment Read(ref WireReader reader)
    {
        var assignment = new CreatableAssignment(reader.Int32(), reader.Int32Array());
        reader.Tags();
        return assignment;
    }
}

/// <summary>Version 5 tells partitions, replication factor and settings of what was created, 7 its id.</summary>
internal sealed record CreateTopicsResponse(List<CreatedTopic> Topics) : IResponse
{
    public void Write(WireWriter writer)
    {
        if (writer.Version >= 2)
            writer.Int32(0); // throttle time
        writer.Array(Topics, static (writer, topic) => topic.Write(writer));
        writer.Tags();
    }
}

internal sealed record CreatedTopic(
    string Name, Guid Id, ErrorCode Error, string? Message, int Partitions = -1, short ReplicationFactor = -1, IReadOnlyList<DescribedConfig>? Configs = null)
{
    public void Write(WireWriter writer)
    {
        writer.String(Name);
        if (writer.Version >= 7)
            writer.Uuid(Id);
        writer.Error(Error);
        if (writer.Version >= 1)
            writer.String(Message);
        if (writer.Version >= 5)
        {
            writer.Int32(Partitions);
            writer.Int16(ReplicationFactor);
            writer.Array(Configs, static (writer, config) => config.WriteBrief(writer));
        }
        writer.Tags();
    }
}
