namespace Onceward.Broker.Protocol.Messages;

/// <summary>Version 2 adds the leader epoch, 3 is flexible and says which member of which generation commits.</summary>
internal sealed record TxnOffsetCommitRequest(
    string TransactionalId,
    string GroupId,
    long ProducerId,
    short ProducerEpoch,
    int Generation,
    string MemberId,
    string? InstanceId,
    List<CommitTopic> Topics) : IRequest<TxnOffsetCommitRequest>
{
    public static TxnOffsetCommitRequest Read(ref WireReader reader)
    {
        var request = new TxnOffsetCommitRequest(
            reader.String(),
            reader.String(),
            reader.Int64(),
            reader.Int16(),
            reader.Version >= 3 ? reader.Int32() : -1,
            reader.Version >= 3 ? reader.String() : "",
            reader.Version >= 3 ? reader.NullableString() : null,
            reader.Array(ReadTopic));
        reader.Tags();
        return request;
    }

    private static CommitTopic ReadTopic(ref WireReader reader)
    {
        var topic = new CommitTopic(reader.String(), reader.Array(ReadPartition));
        reader.Tags();
        return topic;
    }

    private static CommitPartition ReadPartition(ref WireReader reader)
    {
        var committed = new CommitPartition(
            reader.Int32(), reader.Int64(), reader.Version >= 2 ? reader.Int32() : -1, reader.NullableString());
        reader.Tags();
        return committed;
    }
}

/// <summary>Version 3 is flexible.</summary>
internal sealed record TxnOffsetCommitResponse(List<CommittedTopic> Topics) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Array(Topics, static (writer, topic) => topic.Write(writer));
        writer.Tags();
    }
}
