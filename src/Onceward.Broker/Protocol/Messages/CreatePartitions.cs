namespace Onceward.Broker.Protocol.Messages;

internal sealed record CreatePartitionsRequest(List<GrowingTopic> Topics, bool ValidateOnly) : IRequest<CreatePartitionsRequest>
{
    public static CreatePartitionsRequest Read(ref WireReader reader)
    {
        var topics = reader.Array(GrowingTopic.Read);
        reader.Int32(); // time-out: what is done here is done at once
        var request = new CreatePartitionsRequest(topics, reader.Bool());
        reader.Tags();
        return request;
    }
}

/// <param name="Name">The topic.</param>
/// <param name="Total">How many partitions it shall have, old and new.</param>
/// <param name="Assignment">Replicas of each new partition; null: the broker's choice.</param>
internal sealed record GrowingTopic(string Name, int Total, List<List<int>>? Assignment)
{
    public static GrowingTopic Read(ref WireReader reader)
    {
        var topic = new GrowingTopic(reader.String(), reader.Int32(), reader.NullableArray(ReadBrokers));
        reader.Tags();
        return topic;
    }

    private static List<int> ReadBrokers(ref WireReader reader)
    {
        var brokers = reader.Int32Array();
        reader.Tags();
        return brokers;
    }
}

internal sealed record CreatePartitionsResponse(List<(string Name, ErrorCode Error, string? Message)> Topics) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Array(Topics, static (writer, topic) =>
        {
            writer.String(topic.Name);
            writer.Error(topic.Error);
            writer.String(topic.Message);
            writer.Tags();
        });
        writer.Tags();
    }
}
