using Onceward.Broker.Groups;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>DescribeGroups, versions 0 to 6. A group that is not there is dead; from version 6 that is an error, too.</summary>
internal sealed class DescribeGroupsHandler(BrokerNode node) : ApiHandler<DescribeGroupsRequest>(ApiKey.DescribeGroups)
{
    /// <summary>Without an authorizer everything is allowed: read, delete, describe, describe and alter configs, one bit each by Kafka's numbers.</summary>
    private const int AllOperations = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11);

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeGroupsRequest request, CancellationToken cancellationToken) =>
        new(new DescribeGroupsResponse(request.Groups.ConvertAll(id => Describe(id, context.Version) with
        {
            Operations = request.WithOperations ? AllOperations : DescribedGroup.NoOperations,
        })));

    private DescribedGroup Describe(string id, short version)
    {
        if (node.Groups.Describe(id) is { } described)
            return described;
        var (error, message) = version >= 6 ? (ErrorCode.GroupIdNotFound, $"Group {id} not found.") : (ErrorCode.None, null);
        return new(error, message, id, nameof(GroupPhase.Dead), "", "", []);
    }
}
