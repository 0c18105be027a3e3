using Insurance.Grpc.Wire;

namespace Insurance.Grpc.Server;

/// <summary>Bounds of the server side.</summary>
public sealed class GrpcServerOptions
{
    /// <summary>Bytes of one received message, before and after decompression; 4 MiB, as in every gRPC implementation.</summary>
    public int MaxReceiveMessageSize { get; set; } = GrpcProtocol.DefaultMaxMessageSize;
}
