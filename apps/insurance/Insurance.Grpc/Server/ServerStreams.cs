using Google.Protobuf;
using Grpc.Core;

namespace Insurance.Grpc.Server;

/// <summary>The client's messages, one per <see cref="MoveNext"/>.</summary>
internal sealed class RequestStream<T>(ServerCall call, Marshaller<T> marshaller) : IAsyncStreamReader<T>
    where T : class, IMessage<T>
{
    private T? _current;

    public T Current => _current ?? throw new InvalidOperationException("There is no current message: MoveNext did not return true.");

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        using var linked = CallToken.Link(call, cancellationToken);
        _current = await call.ReadAsync(marshaller, linked?.Token ?? call.CancellationToken);
        return _current is not null;
    }
}

/// <summary>The server's messages.</summary>
internal sealed class ResponseStream<T>(ServerCall call) : IServerStreamWriter<T>
    where T : class, IMessage<T>
{
    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public async Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        using var linked = CallToken.Link(call, cancellationToken);
        var flush = WriteOptions is null || !WriteOptions.Flags.HasFlag(WriteFlags.BufferHint);
        await call.WriteAsync(message, flush, linked?.Token ?? call.CancellationToken);
    }
}

/// <summary>The call's own token ends every read and write; a second source is linked only where there is another token.</summary>
internal static class CallToken
{
    public static CancellationTokenSource? Link(ServerCall call, CancellationToken cancellationToken) =>
        cancellationToken.CanBeCanceled && cancellationToken != call.CancellationToken
            ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, call.CancellationToken)
            : null;
}
