using Onceward.Broker.Log;

namespace Onceward.Broker.Protocol.Messages;

internal sealed record DescribeProducersRequest(List<TxnTopic> Topics) : IRequest<DescribeProducersRequest>
{
    public static DescribeProducersRequest Read(ref WireReader reader)
    {
        var request = new DescribeProducersRequest(reader.Array(TxnTopic.Read));
        reader.Tags();
        return request;
    }
}

internal sealed record DescribeProducersResponse(List<ProducersOfTopic> Topics) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Array(Topics, static (writer, topic) =>
        {
            writer.String(topic.Name);
            writer.Array(topic.Partitions, static (writer, partition) => partition.Write(writer));
            writer.Tags();
        });
        writer.Tags();
    }
}

internal sealed record ProducersOfTopic(string Name, List<ProducersOfPartition> Partitions);

internal sealed record ProducersOfPartition(int Partition, ErrorCode Error, string? Message, IReadOnlyList<ProducerSnapshot> Producers)
{
    public void Write(WireWriter writer)
    {
        writer.Int32(Partition);
        writer.Error(Error);
        writer.String(Message);
        writer.Array(Producers, static (writer, producer) =>
        {
            writer.Int64(producer.ProducerId);
            writer.Int32(producer.ProducerEpoch);
            writer.Int32(producer.LastSequence);
            writer.Int64(producer.LastTimestamp);
            writer.Int32(producer.CoordinatorEpoch);
            writer.Int64(producer.CurrentTransactionStart);
            writer.Tags();
        });
        writer.Tags();
    }
}
