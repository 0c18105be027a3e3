namespace Onceward.Broker.Protocol.Messages;

/// <param name="States">By their names; none: all.</param>
/// <param name="ProducerIds">None: all.</param>
/// <param name="RunningLongerThanMs">From version 1; negative: all.</param>
internal sealed record ListTransactionsRequest(List<string> States, List<long> ProducerIds, long RunningLongerThanMs) : IRequest<ListTransactionsRequest>
{
    public static ListTransactionsRequest Read(ref WireReader reader)
    {
        var request = new ListTransactionsRequest(
            reader.StringArray(),
            reader.Array(static (ref WireReader reader) => reader.Int64()),
            reader.Version >= 1 ? reader.Int64() : -1);
        reader.Tags();
        return request;
    }
}

internal sealed record ListTransactionsResponse(List<string> UnknownStates, List<ListedTransaction> Transactions) : IResponse
{
    public void Write(WireWriter writer)
    {
        writer.Int32(0); // throttle time
        writer.Error(ErrorCode.None);
        writer.StringArray(UnknownStates);
        writer.Array(Transactions, static (writer, transaction) =>
        {
            writer.String(transaction.TransactionalId);
            writer.Int64(transaction.ProducerId);
            writer.String(transaction.State);
            writer.Tags();
        });
        writer.Tags();
    }
}

internal sealed record ListedTransaction(string TransactionalId, long ProducerId, string State);
