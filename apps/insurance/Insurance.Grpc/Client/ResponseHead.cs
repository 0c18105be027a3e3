using System.Globalization;
using System.Net.Http.Headers;
using Grpc.Core;
using Insurance.Grpc.Wire;

namespace Insurance.Grpc.Client;

/// <summary>Reads headers and trailers of a response.</summary>
internal static class ResponseHead
{
    public static string? Encoding(HttpResponseMessage response) => Value(response.Headers, GrpcProtocol.EncodingHeader);

    public static Metadata ToMetadata(HttpHeaders headers)
    {
        var metadata = new Metadata();
        foreach (var (name, values) in headers.NonValidated)
        {
            foreach (var value in values)
            {
                // An answer is not refused for one header that its sender got wrong.
                _ = MetadataCodec.TryAdd(metadata, name, value);
            }
        }

        return metadata;
    }

    /// <summary>The status: in the trailers, or in the headers of a response that is nothing else.</summary>
    public static (Status Status, Metadata Trailers) Status(HttpResponseMessage response)
    {
        var inTrailers = response.TrailingHeaders.NonValidated.Contains(GrpcProtocol.StatusHeader);
        var headers = inTrailers ? response.TrailingHeaders : response.Headers;
        var trailers = ToMetadata(headers);
        if (Value(headers, GrpcProtocol.StatusHeader) is not { } text)
            return (new Status(StatusCode.Unknown, "The response has no grpc-status."), trailers);
        var detail = PercentEncoding.Decode(Value(headers, GrpcProtocol.MessageHeader) ?? "");
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var code)
            ? (new Status(Enum.IsDefined((StatusCode)code) ? (StatusCode)code : StatusCode.Unknown, detail), trailers)
            : (new Status(StatusCode.Unknown, "The grpc-status of the response is no number."), trailers);
    }

    private static string? Value(HttpHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;
}
