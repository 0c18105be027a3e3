using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Transactions;

namespace Onceward.Broker.Handlers;

/// <summary>InitProducerId, versions 0 to 5. From version 3 a producer renews what it has; before version 4 a fenced one is told so with the older code.</summary>
internal sealed class InitProducerIdHandler(BrokerNode node) : ApiHandler<InitProducerIdRequest>(ApiKey.InitProducerId)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, InitProducerIdRequest request, CancellationToken cancellationToken)
    {
        if (request.ProducerId == -1 != (request.ProducerEpoch == -1))
            return new InitProducerIdResponse(ErrorCode.InvalidRequest);
        ProducerIdentity? current = request.ProducerId == -1 ? null : new(request.ProducerId, request.ProducerEpoch);
        var (error, producer) = await node.Transactions.InitializeAsync(request.TransactionalId, request.TimeoutMs, current, cancellationToken).ConfigureAwait(false);
        return error == ErrorCode.None
            ? new InitProducerIdResponse(error, producer.Id, producer.Epoch)
            : new InitProducerIdResponse(error.ForVersion(context.Version, fencedFrom: 4));
    }
}
