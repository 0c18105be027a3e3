using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>DeleteGroups, versions 0 to 2. Only groups without members.</summary>
internal sealed class DeleteGroupsHandler(BrokerNode node) : ApiHandler<DeleteGroupsRequest>(ApiKey.DeleteGroups)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, DeleteGroupsRequest request, CancellationToken cancellationToken)
    {
        var deleted = new List<(string GroupId, ErrorCode Error)>();
        foreach (var group in request.Groups.Distinct())
            deleted.Add((group, await node.Groups.DeleteAsync(group).ConfigureAwait(false)));
        return new DeleteGroupsResponse(deleted);
    }
}
