namespace Insurance.Grpc.Wire;

/// <summary>Names fixed by the gRPC over HTTP/2 protocol: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md.</summary>
internal static class GrpcProtocol
{
    public const string ContentType = "application/grpc";

    public const string StatusHeader = "grpc-status";
    public const string MessageHeader = "grpc-message";
    public const string TimeoutHeader = "grpc-timeout";
    public const string EncodingHeader = "grpc-encoding";
    public const string AcceptEncodingHeader = "grpc-accept-encoding";

    public const string Identity = "identity";
    public const string Gzip = "gzip";
    public const string SupportedEncodings = Identity + "," + Gzip;

    /// <summary>The limit that gRPC implementations share by default.</summary>
    public const int DefaultMaxMessageSize = 4 * 1024 * 1024;

    /// <summary>True for application/grpc and application/grpc+proto, with or without parameters.</summary>
    /// <remarks>Not for application/grpc-web or another message format: those need what is not here.</remarks>
    public static bool IsGrpcContentType(string? contentType)
    {
        if (contentType is null || !contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase))
            return false;
        var rest = contentType.AsSpan(ContentType.Length);
        if (rest.StartsWith("+proto", StringComparison.OrdinalIgnoreCase))
            rest = rest["+proto".Length..];
        rest = rest.TrimStart();
        return rest.IsEmpty || rest[0] == ';';
    }

    /// <summary>Whether a comma-separated list of encodings names this one.</summary>
    public static bool Lists(string? encodings, string encoding)
    {
        foreach (var range in encodings.AsSpan().Split(','))
        {
            if (encodings.AsSpan()[range].Trim().Equals(encoding, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }
}
