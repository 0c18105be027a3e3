using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>EndTxn, versions 0 to 4. Before version 2 a fenced producer is told so with the older code.</summary>
/// <remarks>Version 5, which changes the epoch with every transaction (KIP-890), is not spoken here.</remarks>
internal sealed class EndTxnHandler(BrokerNode node) : ApiHandler<EndTxnRequest>(ApiKey.EndTxn)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, EndTxnRequest request, CancellationToken cancellationToken)
    {
        var error = await node.Transactions.EndAsync(
            request.TransactionalId, new(request.ProducerId, request.ProducerEpoch), request.Commit, cancellationToken).ConfigureAwait(false);
        return new EndTxnResponse(error.ForVersion(context.Version, fencedFrom: 2));
    }
}
