using System.Diagnostics.CodeAnalysis;

namespace Grpc.Core;

/// <summary>Messages of one direction, read one by one.</summary>
public interface IAsyncStreamReader<out T>
{
    /// <summary>The message that the last successful <see cref="MoveNext"/> read.</summary>
    T Current { get; }

    /// <summary>False at the end of the stream. The next message is taken off the wire only here, which is the backpressure.</summary>
    Task<bool> MoveNext(CancellationToken cancellationToken);
}

/// <summary>Messages of one direction, written one by one: a write must finish before the next begins.</summary>
public interface IAsyncStreamWriter<in T>
{
    WriteOptions? WriteOptions { get; set; }

    Task WriteAsync(T message);

    Task WriteAsync(T message, CancellationToken cancellationToken);
}

/// <summary>The server's direction; it ends when the handler returns.</summary>
public interface IServerStreamWriter<in T> : IAsyncStreamWriter<T>;

/// <summary>The client's direction; it ends when the client says so.</summary>
public interface IClientStreamWriter<in T> : IAsyncStreamWriter<T>
{
    Task CompleteAsync();
}

/// <summary>How the writes that follow are made.</summary>
public sealed record WriteOptions(WriteFlags Flags = WriteFlags.None)
{
    public static readonly WriteOptions Default = new();
}

[Flags]
[SuppressMessage("Naming", "CA1711", Justification = "The name that gRPC gives it.")]
public enum WriteFlags
{
    None = 0,

    /// <summary>Another write follows at once: keep this one in the buffer.</summary>
    BufferHint = 1,
}
