namespace Onceward.Broker.Protocol.Messages;

internal sealed record AddPartitionsToTxnRequest(
    string TransactionalId, long ProducerId, short ProducerEpoch, List<TxnTopic> Topics) : IRequest<AddPartitionsToTxnRequest>
{
    public static AddPartitionsToTxnRequest Read(ref WireReader reader)
    {
        var request = new AddPartitionsToTxnRequest(reader.String(), reader.Int64(), reader.Int16(), reader.Array(TxnTopic.Read));
        reader.Tags();
        return request;
    }
}

internal sealed record TxnTopic(string Name, List<int> Partitions)
{
    public static TxnTopic Read(ref WireReader reader)
    {
        var topic = new TxnTopic(reader.String(), reader.Int32Array());
        reader.Tags();
        return topic;
    }
}

internal sealed record AddPartitionsToTxnResponse(List<AddedTopic> Topics) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Array(Topics, static (writer, topic) => topic.Write(writer));
        writer.Tags();
    }
}

internal sealed record AddedTopic(string Name, List<(int Partition, ErrorCode Error)> Partitions)
{
    public void Write(WireWriter writer)
    {
        writer.String(Name);
        writer.Array(Partitions, static (writer, partition) =>
        {
            writer.Int32(partition.Partition);
            writer.Error(partition.Error);
            writer.Tags();
        });
        writer.Tags();
    }
}
