using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>OffsetDelete, version 0. Offsets of a topic that a consumer of the group is subscribed to stay.</summary>
internal sealed class OffsetDeleteHandler(BrokerNode node) : ApiHandler<OffsetDeleteRequest>(ApiKey.OffsetDelete)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, OffsetDeleteRequest request, CancellationToken cancellationToken) =>
        await node.Groups.Offsets.DeleteAsync(request).ConfigureAwait(false);
}
