using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Transactions;

namespace Onceward.Broker.Handlers;

/// <summary>ListTransactions, versions 0 and 1: all transactional ids, by state and producer; from version 1 by how long the transaction has run.</summary>
internal sealed class ListTransactionsHandler(BrokerNode node) : ApiHandler<ListTransactionsRequest>(ApiKey.ListTransactions)
{
    private static readonly HashSet<string> Names = [.. Enum.GetNames<TransactionStatus>()];

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, ListTransactionsRequest request, CancellationToken cancellationToken)
    {
        var now = node.Options.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds();
        var listed = node.Transactions.All
            .Where(producer => request.States.Count == 0 || request.States.Contains(producer.Status.ToString()))
            .Where(producer => request.ProducerIds.Count == 0 || request.ProducerIds.Contains(producer.ProducerId))
            .Where(producer => request.RunningLongerThanMs < 0 || now - producer.StartedAt > request.RunningLongerThanMs)
            .Select(static producer => new ListedTransaction(producer.TransactionalId, producer.ProducerId, producer.Status.ToString()));
        return new(new ListTransactionsResponse(request.States.FindAll(static name => !Names.Contains(name)), [.. listed]));
    }
}
