using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>DescribeCluster, versions 0 and 1: this node, which is also the controller. Controllers are not to be asked for here.</summary>
internal sealed class DescribeClusterHandler(BrokerNode node) : ApiHandler<DescribeClusterRequest>(ApiKey.DescribeCluster)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeClusterRequest request, CancellationToken cancellationToken)
    {
        var operations = request.Operations ? Operations.Cluster : Operations.NotAsked;
        return new(request.Endpoints switch
        {
            DescribeClusterRequest.Brokers => new DescribeClusterResponse(ErrorCode.None, null, request.Endpoints, node.ClusterId, node.Address, operations),
            DescribeClusterRequest.Controllers => Refuse(request, ErrorCode.MismatchedEndpointType, "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"),
            _ => Refuse(request, ErrorCode.UnsupportedEndpointType, $"Unsupported endpoint type {request.Endpoints}"),
        });
    }

    private static DescribeClusterResponse Refuse(DescribeClusterRequest request, ErrorCode error, string message) =>
        new(error, message, request.Endpoints, "", null, Operations.NotAsked);
}
