using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>SyncGroup, versions 0 to 5. Waits until the leader has assigned; version 5 must say which protocol it is about.</summary>
/// <remarks>Where the connection goes away the wait ends; the member lives until its session does.</remarks>
internal sealed class SyncGroupHandler(BrokerNode node) : ApiHandler<SyncGroupRequest>(ApiKey.SyncGroup)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, SyncGroupRequest request, CancellationToken cancellationToken)
    {
        if (context.Version >= 5 && (request.ProtocolType is null || request.Protocol is null))
            return new SyncGroupResponse(ErrorCode.InconsistentGroupProtocol);
        return await node.Groups.SyncAsync(request).WaitAsync(cancellationToken).ConfigureAwait(false);
    }
}
