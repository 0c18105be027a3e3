using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>AlterConfigs, versions 0 to 2: what is not named loses its override.</summary>
internal sealed class AlterConfigsHandler(BrokerNode node) : ApiHandler<AlterConfigsRequest>(ApiKey.AlterConfigs)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, AlterConfigsRequest request, CancellationToken cancellationToken) =>
        new(Alter(node, request.Resources, replaceAll: true, request.ValidateOnly));

    internal static AlterConfigsResponse Alter(BrokerNode node, List<AlterableResource> resources, bool replaceAll, bool validateOnly)
    {
        var twice = resources.GroupBy(resource => (resource.Type, resource.Name)).Where(same => same.Count() > 1).Select(same => same.Key).ToHashSet();
        return new([.. resources.DistinctBy(resource => (resource.Type, resource.Name)).Select(resource =>
        {
            if (twice.Contains((resource.Type, resource.Name)))
                return new AlteredResource(resource.Type, resource.Name, ErrorCode.InvalidRequest, "Each resource must appear at most once.");
            var (error, message, _) = node.Configs.Alter(resource.Type, resource.Name, resource.Changes, replaceAll, validateOnly);
            return new AlteredResource(resource.Type, resource.Name, error, message);
        })]);
    }
}
