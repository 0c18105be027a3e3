using Insurance.Grpc.Wire;

namespace Insurance.Grpc.Client;

/// <summary>Bounds and choices of the client side.</summary>
public sealed class GrpcChannelOptions
{
    /// <summary>Bytes of one received message, before and after decompression; 4 MiB, as in every gRPC implementation.</summary>
    public int MaxReceiveMessageSize { get; set; } = GrpcProtocol.DefaultMaxMessageSize;

    /// <summary>Compress what is sent. Compressed answers are always read.</summary>
    public bool Gzip { get; set; }

    /// <summary>The clock of deadlines.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
