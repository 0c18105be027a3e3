using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>OffsetFetch, versions 1 to 9. What was never committed is offset -1, also of a group that is not there.</summary>
internal sealed class OffsetFetchHandler(BrokerNode node) : ApiHandler<OffsetFetchRequest>(ApiKey.OffsetFetch)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, OffsetFetchRequest request, CancellationToken cancellationToken) =>
        new(new OffsetFetchResponse(request.Groups.ConvertAll(group => node.Groups.Offsets.Fetch(group, request.RequireStable))));
}
