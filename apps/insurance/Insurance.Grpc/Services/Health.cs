using Grpc.Core;
using Insurance.Contracts;
using Insurance.Grpc.Client;

namespace Grpc.Health.V1;

/// <summary>The service of health.proto, in the shape that the gRPC code generator gives it.</summary>
public static class Health
{
    private static readonly Marshaller<HealthCheckRequest> Requests = new(HealthCheckRequest.Parser);
    private static readonly Marshaller<HealthCheckResponse> Responses = new(HealthCheckResponse.Parser);

    private static readonly Method<HealthCheckRequest, HealthCheckResponse> CheckMethod = new(
        MethodType.Unary, Topology.Services.Health, "Check", Requests, Responses);

    private static readonly Method<HealthCheckRequest, HealthCheckResponse> WatchMethod = new(
        MethodType.ServerStreaming, Topology.Services.Health, "Watch", Requests, Responses);

    public static void BindService(ServiceBinderBase serviceBinder, HealthBase serviceImpl)
    {
        serviceBinder.AddMethod(CheckMethod, serviceImpl.Check);
        serviceBinder.AddMethod(WatchMethod, serviceImpl.Watch);
    }

    public abstract class HealthBase
    {
        public virtual Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) =>
            throw new RpcException(new Status(StatusCode.Unimplemented, ""));

        public virtual Task Watch(
            HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context) =>
            throw new RpcException(new Status(StatusCode.Unimplemented, ""));
    }

    public sealed class HealthClient(GrpcChannel channel)
    {
        public AsyncUnaryCall<HealthCheckResponse> CheckAsync(
            HealthCheckRequest request,
            Metadata? headers = null,
            DateTime? deadline = null,
            CancellationToken cancellationToken = default) =>
            channel.UnaryCall(CheckMethod, new CallOptions(headers, deadline, cancellationToken), request);

        public AsyncServerStreamingCall<HealthCheckResponse> Watch(
            HealthCheckRequest request,
            Metadata? headers = null,
            DateTime? deadline = null,
            CancellationToken cancellationToken = default) =>
            channel.ServerStreamingCall(WatchMethod, new CallOptions(headers, deadline, cancellationToken), request);
    }
}
