using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Grpc.Core;

namespace Insurance.Grpc.Wire;

/// <summary>Metadata to and from HTTP headers. Values under <c>-bin</c> keys travel as base64.</summary>
internal static class MetadataCodec
{
    // The protocol's own; the rest of the headers are the application's.
    private static readonly FrozenSet<string> Reserved = FrozenSet.ToFrozenSet(
        [
            "content-type", "te", "host", "accept-encoding", "content-length", "transfer-encoding", "connection",
            GrpcProtocol.TimeoutHeader, GrpcProtocol.EncodingHeader, GrpcProtocol.AcceptEncodingHeader,
            GrpcProtocol.StatusHeader, GrpcProtocol.MessageHeader,
        ],
        StringComparer.OrdinalIgnoreCase);

    /// <summary>The text to put into a header; without padding, as the protocol asks.</summary>
    public static string Encode(Metadata.Entry entry) =>
        entry.IsBinary ? Convert.ToBase64String(entry.ValueBytes).TrimEnd('=') : entry.Value;

    /// <summary>Adds one received header; false where the value of a binary one is not base64.</summary>
    /// <remarks>Peers may join several values of one key by commas; base64 has none, so they part there.</remarks>
    public static bool TryAdd(Metadata metadata, string key, string value)
    {
        if (key.StartsWith(':') || Reserved.Contains(key))
            return true;
        if (!key.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.OrdinalIgnoreCase))
        {
            // HTTP allows more in names and values than gRPC does; what no gRPC peer may send is not metadata.
            if (!value.AsSpan().ContainsAnyExceptInRange(' ', '~') && IsKey(key))
                metadata.Add(key, value);
            return true;
        }

        foreach (var part in value.Split(','))
        {
            if (!TryDecode(part.Trim(), out var bytes))
                return false;
            metadata.Add(key, bytes);
        }

        return true;
    }

    /// <summary>Base64 with or without padding.</summary>
    public static bool TryDecode(string text, [NotNullWhen(true)] out byte[]? bytes)
    {
        var unpadded = text.TrimEnd('=');
        var padded = unpadded.PadRight((unpadded.Length + 3) / 4 * 4, '=');
        var buffer = new byte[padded.Length / 4 * 3];
        var valid = Convert.TryFromBase64String(padded, buffer, out var length);
        bytes = valid ? buffer[..length] : null;
        return valid;
    }

    private static bool IsKey(string key) =>
        key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
