using Onceward.Broker.Groups;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>JoinGroup, versions 0 to 9. Waits until the group has a new generation; version 4 asks for an id first, 5 knows static members.</summary>
/// <remarks>Where the connection goes away the wait ends; the member lives until its session does.</remarks>
internal sealed class JoinGroupHandler(BrokerNode node) : ApiHandler<JoinGroupRequest>(ApiKey.JoinGroup)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, JoinGroupRequest request, CancellationToken cancellationToken) =>
        await node.Groups.JoinAsync(request, new JoiningClient(context.ClientId, context.ClientHost, context.Version)).WaitAsync(cancellationToken).ConfigureAwait(false);
}
