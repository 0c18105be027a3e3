namespace Grpc.Core;

/// <summary>One call as its handler sees it.</summary>
public abstract class ServerCallContext
{
    /// <summary>The full name, <c>/package.Service/Method</c>.</summary>
    public abstract string Method { get; }

    public abstract string Host { get; }

    public abstract string Peer { get; }

    /// <summary>UTC; <see cref="DateTime.MaxValue"/> where the client set none.</summary>
    public abstract DateTime Deadline { get; }

    public abstract Metadata RequestHeaders { get; }

    /// <summary>Fires when the client goes away or the deadline passes.</summary>
    public abstract CancellationToken CancellationToken { get; }

    /// <summary>Sent after the last message, beside the status.</summary>
    public abstract Metadata ResponseTrailers { get; }

    /// <summary>The status to end with where the handler returns instead of throwing.</summary>
    public Status Status { get; set; } = Status.DefaultSuccess;

    /// <summary>Sends the response headers now, before the first message would.</summary>
    public abstract Task WriteResponseHeadersAsync(Metadata responseHeaders);
}
