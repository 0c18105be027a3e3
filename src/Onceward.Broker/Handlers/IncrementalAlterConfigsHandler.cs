using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>IncrementalAlterConfigs, versions 0 and 1: sets, removes, and adds to and takes from lists.</summary>
internal sealed class IncrementalAlterConfigsHandler(BrokerNode node) : ApiHandler<IncrementalAlterConfigsRequest>(ApiKey.IncrementalAlterConfigs)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, IncrementalAlterConfigsRequest request, CancellationToken cancellationToken) =>
        new(AlterConfigsHandler.Alter(node, request.Resources, replaceAll: false, request.ValidateOnly));
}
