using System.IO.Pipelines;
using System.Net;

namespace Insurance.Grpc.Client;

/// <summary>A request body that stays open: the writer gets its stream, and closes it.</summary>
internal sealed class StreamedContent : HttpContent
{
    private readonly TaskCompletionSource<PipeWriter> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Where to write, as soon as the request is under way.</summary>
    public Task<PipeWriter> OpenedAsync => _opened.Task;

    /// <summary>Closes the body; with a failure where no more of it can be written.</summary>
    public void End(Exception? failure)
    {
        if (failure is not null && _opened.TrySetException(failure))
            _ = _opened.Task.Exception; // Nobody has to be writing.
        _closed.TrySetResult();
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        // The server is to see the call before its first message.
        await stream.FlushAsync(cancellationToken);
        _opened.TrySetResult(PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)));
        await _closed.Task.WaitAsync(cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
