using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>LeaveGroup, versions 0 to 5; several members at once from version 3, which is how tools take members out.</summary>
internal sealed class LeaveGroupHandler(BrokerNode node) : ApiHandler<LeaveGroupRequest>(ApiKey.LeaveGroup)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, LeaveGroupRequest request, CancellationToken cancellationToken) =>
        new(node.Groups.Leave(request));
}
