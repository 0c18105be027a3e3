using System.Net;
using Grpc.Core;

namespace Insurance.Grpc.Wire;

/// <summary>What an answer without gRPC status means: https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md.</summary>
internal static class HttpStatusMapping
{
    public static StatusCode ToGrpc(HttpStatusCode status) => status switch
    {
        HttpStatusCode.BadRequest => StatusCode.Internal,
        HttpStatusCode.Unauthorized => StatusCode.Unauthenticated,
        HttpStatusCode.Forbidden => StatusCode.PermissionDenied,
        HttpStatusCode.NotFound => StatusCode.Unimplemented,
        HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
            => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };

    /// <summary>What a reset stream or connection means, by its HTTP/2 error code.</summary>
    public static StatusCode ToGrpc(HttpProtocolException reset) => reset.ErrorCode switch
    {
        0x7 => StatusCode.Unavailable, // REFUSED_STREAM
        0x8 => StatusCode.Cancelled, // CANCEL
        0xb => StatusCode.ResourceExhausted, // ENHANCE_YOUR_CALM
        0xc => StatusCode.PermissionDenied, // INADEQUATE_SECURITY
        _ => StatusCode.Internal,
    };
}
