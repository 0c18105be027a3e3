using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>ListGroups, versions 0 to 5; filtered by state from version 4, by type from 5. All groups here are of the classic type.</summary>
internal sealed class ListGroupsHandler(BrokerNode node) : ApiHandler<ListGroupsRequest>(ApiKey.ListGroups)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, ListGroupsRequest request, CancellationToken cancellationToken)
    {
        var listed = request.Types.Count > 0 && !request.Types.Contains(ListedGroup.Type, StringComparer.OrdinalIgnoreCase) ? [] : node.Groups.List();
        if (request.States.Count > 0)
            listed.RemoveAll(group => !request.States.Contains(group.State, StringComparer.OrdinalIgnoreCase));
        return new(new ListGroupsResponse(listed));
    }
}
