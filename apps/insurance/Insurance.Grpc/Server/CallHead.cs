using System.Diagnostics.CodeAnalysis;
using Grpc.Core;
using Insurance.Grpc.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Insurance.Grpc.Server;

/// <summary>What the request headers say about a call.</summary>
/// <param name="Metadata">The application's headers.</param>
/// <param name="Timeout">From <c>grpc-timeout</c>; null for none.</param>
/// <param name="RequestGzip">Messages of the client may be compressed.</param>
/// <param name="ResponseGzip">Answer compressed: what sends gzip gets it, where it says that it reads it.</param>
internal sealed record CallHead(Metadata Metadata, TimeSpan? Timeout, bool RequestGzip, bool ResponseGzip)
{
    /// <summary>False, with the status to refuse the call with, where a header cannot be understood.</summary>
    public static bool TryParse(IHeaderDictionary headers, [NotNullWhen(true)] out CallHead? head, out Status refusal)
    {
        head = null;
        TimeSpan? timeout = null;
        if (headers.TryGetValue(GrpcProtocol.TimeoutHeader, out var timeoutText))
        {
            if (!GrpcTimeout.TryParse(timeoutText.ToString(), out var parsed))
                return Refuse(StatusCode.Internal, "grpc-timeout is malformed: at most 8 digits and one of H, M, S, m, u, n.", out refusal);
            timeout = parsed;
        }

        var encoding = headers[GrpcProtocol.EncodingHeader].ToString();
        var gzip = encoding == GrpcProtocol.Gzip;
        if (!gzip && encoding is not ("" or GrpcProtocol.Identity))
            return Refuse(StatusCode.Unimplemented, $"grpc-encoding is not one of {GrpcProtocol.SupportedEncodings}.", out refusal);

        var metadata = new Metadata();
        foreach (var (name, values) in headers)
        {
            foreach (var value in values)
            {
                if (value is not null && !MetadataCodec.TryAdd(metadata, name, value))
                    return Refuse(StatusCode.Internal, $"The value of {name} is not base64.", out refusal);
            }
        }

        var accepts = GrpcProtocol.Lists(headers[GrpcProtocol.AcceptEncodingHeader].ToString(), GrpcProtocol.Gzip);
        head = new CallHead(metadata, timeout, gzip, gzip && accepts);
        refusal = Status.DefaultSuccess;
        return true;
    }

    /// <summary>True where the protocol is gRPC at all; else the HTTP status to answer with is set.</summary>
    public static bool IsGrpc(HttpContext http)
    {
        if (!HttpMethods.IsPost(http.Request.Method))
        {
            http.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            http.Response.Headers[HeaderNames.Allow] = HttpMethods.Post;
            return false;
        }

        if (GrpcProtocol.IsGrpcContentType(http.Request.ContentType))
            return true;
        http.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
        return false;
    }

    private static bool Refuse(StatusCode code, string detail, out Status refusal)
    {
        refusal = new Status(code, detail);
        return false;
    }
}
