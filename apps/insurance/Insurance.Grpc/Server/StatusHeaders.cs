using System.Globalization;
using Grpc.Core;
using Insurance.Grpc.Wire;
using Microsoft.AspNetCore.Http;

namespace Insurance.Grpc.Server;

/// <summary>A status as headers or trailers.</summary>
internal static class StatusHeaders
{
    public static void Append(IHeaderDictionary headers, Status status)
    {
        headers[GrpcProtocol.StatusHeader] = ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture);
        if (status.Detail.Length > 0)
            headers[GrpcProtocol.MessageHeader] = PercentEncoding.Encode(status.Detail);
    }
}
