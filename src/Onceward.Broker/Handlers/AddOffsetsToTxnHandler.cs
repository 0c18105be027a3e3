using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>AddOffsetsToTxn, versions 0 to 4. Before version 2 a fenced producer is told so with the older code.</summary>
internal sealed class AddOffsetsToTxnHandler(BrokerNode node) : ApiHandler<AddOffsetsToTxnRequest>(ApiKey.AddOffsetsToTxn)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, AddOffsetsToTxnRequest request, CancellationToken cancellationToken)
    {
        var error = await node.Transactions.AddOffsetsAsync(
            request.TransactionalId, new(request.ProducerId, request.ProducerEpoch), request.GroupId, cancellationToken).ConfigureAwait(false);
        return new AddOffsetsToTxnResponse(error.ForVersion(context.Version, fencedFrom: 2));
    }
}
