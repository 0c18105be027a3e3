using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>DescribeConfigs, versions 0 to 4, of topics, this broker and groups.</summary>
internal sealed class DescribeConfigsHandler(BrokerNode node) : ApiHandler<DescribeConfigsRequest>(ApiKey.DescribeConfigs)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeConfigsRequest request, CancellationToken cancellationToken) =>
        new(new DescribeConfigsResponse(request.Resources.ConvertAll(resource => Describe(resource, request))));

    private DescribedResource Describe(DescribableResource asked, DescribeConfigsRequest request)
    {
        var (error, message, configs) = node.Configs.Describe(asked.Type, asked.Name, request.Documentation);
        if (asked.Keys is { Count: > 0 } keys)
            configs = [.. configs.Where(config => keys.Contains(config.Name))];
        if (!request.Synonyms)
            configs = [.. configs.Select(config => config with { Synonyms = [] })];
        return new(asked.Type, asked.Name, error, message, configs);
    }
}
