namespace Onceward.Broker.Protocol.Messages;

internal sealed record DescribeTransactionsRequest(List<string> TransactionalIds) : IRequest<DescribeTransactionsRequest>
{
    public static DescribeTransactionsRequest Read(ref WireReader reader)
    {
        var request = new DescribeTransactionsRequest(reader.StringArray());
        reader.Tags();
        return request;
    }
}

internal sealed record DescribeTransactionsResponse(List<DescribedTransaction> Transactions) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Array(Transactions, static (writer, transaction) => transaction.Write(writer));
        writer.Tags();
    }
}

internal sealed record DescribedTransaction(ErrorCode Error, string TransactionalId)
{
    public string State { get; init; } = "";

    public int TimeoutMs { get; init; }

    public long StartedAt { get; init; }

    public long ProducerId { get; init; }

    public short ProducerEpoch { get; init; }

    public List<TxnTopic> Topics { get; init; } = [];

    public void Write(WireWriter writer)
    {
        writer.Error(Error);
        writer.String(TransactionalId);
        writer.String(State);
        writer.Int32(TimeoutMs);
        writer.Int64(StartedAt);
        writer.Int64(ProducerId);
        writer.Int16(ProducerEpoch);
        writer.Array(Topics, static (writer, topic) =>
        {
            writer.String(topic.Name);
            writer.Int32Array(topic.Partitions);
            writer.Tags();
        });
        writer.Tags();
    }
}
