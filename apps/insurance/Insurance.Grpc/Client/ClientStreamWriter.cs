using Google.Protobuf;
using Grpc.Core;
using Insurance.Grpc.Wire;

namespace Insurance.Grpc.Client;

/// <summary>The client's messages. A write waits while the server's flow-control window is full.</summary>
internal sealed class ClientStreamWriter<T>(StreamedContent content, Func<Exception, RpcException> translate, bool gzip)
    : IClientStreamWriter<T>
    where T : class, IMessage<T>
{
    private int _writing;

    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public async Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _writing, 1) == 1)
            throw new InvalidOperationException("A write must finish before the next one of the call begins.");
        try
        {
            var pipe = await content.OpenedAsync.WaitAsync(cancellationToken);
            MessageWriter.Write(pipe, message, gzip);
            if (WriteOptions is null || !WriteOptions.Flags.HasFlag(WriteFlags.BufferHint))
                await pipe.FlushAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is not RpcException)
        {
            // The boundary to the HTTP client: its exceptions become the status that the call has, or ends with.
            throw translate(exception);
        }
        finally
        {
            Volatile.Write(ref _writing, 0);
        }
    }

    public async Task CompleteAsync()
    {
        try
        {
            await (await content.OpenedAsync).FlushAsync();
        }
        catch (Exception exception)
        {
            // As above.
            throw exception as RpcException ?? translate(exception);
        }
        finally
        {
            content.End(null);
        }
    }
}
