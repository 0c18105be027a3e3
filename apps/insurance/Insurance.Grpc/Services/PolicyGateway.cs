using Grpc.Core;

namespace Insurance.Contracts;

/// <summary>The service of gateway.proto, in the shape that the gRPC code generator gives it.</summary>
public static class PolicyGateway
{
    private static readonly Marshaller<PublishRequest> PublishRequests = new(PublishRequest.Parser);

    private static readonly Method<PublishRequest, PublishResponse> PublishMethod = new(
        MethodType.Unary, Topology.Services.PolicyGateway, "Publish", PublishRequests, new(PublishResponse.Parser));

    private static readonly Method<PublishRequest, PublishAck> PublishStreamMethod = new(
        MethodType.DuplexStreaming, Topology.Services.PolicyGateway, "PublishStream", PublishRequests, new(PublishAck.Parser));

    public static void BindService(ServiceBinderBase serviceBinder, PolicyGatewayBase serviceImpl)
    {
        serviceBinder.AddMethod(PublishMethod, serviceImpl.Publish);
        serviceBinder.AddMethod(PublishStreamMethod, serviceImpl.PublishStream);
    }

    public abstract class PolicyGatewayBase
    {
        public virtual Task<PublishResponse> Publish(PublishRequest request, ServerCallContext context) =>
            throw new RpcException(new Status(StatusCode.Unimplemented, ""));

        public virtual Task PublishStream(
            IAsyncStreamReader<PublishRequest> requestStream, IServerStreamWriter<PublishAck> responseStream, ServerCallContext context) =>
            throw new RpcException(new Status(StatusCode.Unimplemented, ""));
    }

    public sealed class PolicyGatewayClient(Grpc.Client.GrpcChannel channel)
    {
        public AsyncUnaryCall<PublishResponse> PublishAsync(
            PublishRequest request, Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default) =>
            channel.UnaryCall(PublishMethod, new CallOptions(headers, deadline, cancellationToken), request);

        public AsyncDuplexStreamingCall<PublishRequest, PublishAck> PublishStream(
            Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellationToken = default) =>
            channel.DuplexStreamingCall(PublishStreamMethod, new CallOptions(headers, deadline, cancellationToken));
    }
}
