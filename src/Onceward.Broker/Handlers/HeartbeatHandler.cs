using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>Heartbeat, versions 0 to 4. A rebalance is told by its error.</summary>
internal sealed class HeartbeatHandler(BrokerNode node) : ApiHandler<HeartbeatRequest>(ApiKey.Heartbeat)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, HeartbeatRequest request, CancellationToken cancellationToken) =>
        new(new HeartbeatResponse(node.Groups.Heartbeat(request)));
}
