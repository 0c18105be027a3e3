namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 4 is flexible, 6 names topics by name or id.</summary>
internal sealed record DeleteTopicsRequest(List<DeletableTopic> Topics) : IRequest<DeleteTopicsRequest>
{
    public static DeleteTopicsRequest Read(ref WireReader reader)
    {
        var topics = reader.Version >= 6
            ? reader.Array(DeletableTopic.Read)
            : reader.Array(static (ref WireReader reader) => new DeletableTopic(reader.String(), Guid.Empty));
        reader.Int32(); // time-out: what is done here is done at once
        reader.Tags();
        return new(topics);
    }
}

internal sealed record DeletableTopic(string? Name, Guid Id)
{
    public static DeletableTopic Read(ref WireReader reader)
    {
        var topic = new DeletableTopic(reader.NullableString(), reader.Uuid());
        reader.Tags();
        return topic;
    }
}

/// <summary>Version 5 adds messages, 6 ids.</summary>
internal sealed record DeleteTopicsResponse(List<DeletedTopic> Topics) : IResponse
{
    public void Write(WireWriter writer)
    {
        if (writer.Version >= 1)
            writer.Int32(0); // throttle time
        writer.Array(Topics, static (writer, topic) => topic.Write(writer));
        writer.Tags();
    }
}

internal sealed record DeletedTopic(string? Name, Guid Id, ErrorCode Error, string? Message)
{
    public void Write(WireWriter writer)
    {
        writer.String(Name);
        if (writer.Version >= 6)
            writer.Uuid(Id);
        writer.Error(Error);
        if (writer.Version >= 5)
            writer.String(Message);
        writer.Tags();
    }
}
