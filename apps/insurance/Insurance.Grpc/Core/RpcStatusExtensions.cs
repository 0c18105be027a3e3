using Google.Protobuf;

namespace Grpc.Core;

/// <summary>The richer error model: a <see cref="Google.Rpc.Status"/> with details, carried in <c>grpc-status-details-bin</c>.</summary>
public static class RpcStatusExtensions
{
    public const string StatusDetailsTrailer = "grpc-status-details-bin";

    public static RpcException ToRpcException(this Google.Rpc.Status status)
    {
        var trailers = new Metadata { { StatusDetailsTrailer, status.ToByteArray() } };
        return new RpcException(new Status((StatusCode)status.Code, status.Message), trailers);
    }

    /// <summary>The details a server sent; null where it sent none, or none that parse.</summary>
    public static Google.Rpc.Status? GetRpcStatus(this RpcException exception)
    {
        if (exception.Trailers.GetValueBytes(StatusDetailsTrailer) is not { } bytes)
            return null;
        try
        {
            return Google.Rpc.Status.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
