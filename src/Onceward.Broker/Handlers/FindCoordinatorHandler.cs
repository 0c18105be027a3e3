using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>FindCoordinator, versions 0 to 6; many keys at once from version 4. For groups and transactions it is always this node.</summary>
internal sealed class FindCoordinatorHandler(BrokerNode node) : ApiHandler<FindCoordinatorRequest>(ApiKey.FindCoordinator)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, FindCoordinatorRequest request, CancellationToken cancellationToken) =>
        new(new FindCoordinatorResponse(request.Keys.ConvertAll(key => Find(key, request.KeyType, context.Version))));

    private FoundCoordinator Find(string key, sbyte type, short version)
    {
        if (type is FindCoordinatorRequest.Group or FindCoordinatorRequest.Transaction)
            return new(key, node.Address.Id, node.Address.Host, node.Address.Port, Message: version < 4 ? "NONE" : null); // Kafka's older answers say so.
        return new(key, -1, "", -1, ErrorCode.InvalidRequest, $"There are no coordinators of type {type} here.");
    }
}
