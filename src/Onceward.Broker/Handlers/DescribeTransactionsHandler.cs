using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>DescribeTransactions, version 0: the state of single transactional ids.</summary>
internal sealed class DescribeTransactionsHandler(BrokerNode node) : ApiHandler<DescribeTransactionsRequest>(ApiKey.DescribeTransactions)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeTransactionsRequest request, CancellationToken cancellationToken) =>
        new(new DescribeTransactionsResponse(request.TransactionalIds.ConvertAll(Describe)));

    private DescribedTransaction Describe(string transactionalId)
    {
        if (transactionalId.Length == 0)
            return new(ErrorCode.InvalidRequest, transactionalId);
        if (node.Transactions.Find(transactionalId) is not { } producer)
            return new(ErrorCode.TransactionalIdNotFound, transactionalId);
        return new(ErrorCode.None, transactionalId)
        {
            State = producer.Status.ToString(),
            TimeoutMs = producer.TimeoutMs,
            StartedAt = producer.StartedAt,
            ProducerId = producer.ProducerId,
            ProducerEpoch = producer.Epoch,
            Topics = [.. producer.Partitions.GroupBy(static partition => partition.Topic, static partition => partition.Partition)
                .Select(static topic => new TxnTopic(topic.Key, [.. topic.Order()]))],
        };
    }
}
