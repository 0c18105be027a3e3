using System.Threading.Channels;
using Grpc.Core;
using Insurance.Contracts;

namespace Insurance.Gateway;

/// <summary>One PublishStream call.</summary>
/// <remarks>
/// Events are handed over in the order received, and acknowledged in it. At most <see cref="MaxInFlight"/> wait for their acknowledgement;
/// then the session stops reading, and flow control stops the client. Whatever ends the input, what was received is acknowledged first,
/// unless the client is gone: then what was handed over is published, and nobody is told.
/// </remarks>
internal sealed class PublishSession(
    EventPublisher publisher,
    IAsyncStreamReader<PublishRequest> requests,
    IServerStreamWriter<PublishAck> responses,
    string? traceParent,
    CancellationToken stopping)
{
    /// <summary>Two lingers' worth of events at 100,000 a second, so that one stream can keep the producer busy.</summary>
    public const int MaxInFlight = 1024;

    private readonly Channel<Task<PublishAck>> _inFlight = Channel.CreateBounded<Task<PublishAck>>(
        new BoundedChannelOptions(MaxInFlight) { SingleReader = true, SingleWriter = true });

    public async Task RunAsync(CancellationToken callEnded)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(callEnded);
        var receiving = ReceiveAsync(ended.Token);
        try
        {
            await AcknowledgeAsync(ended.Token);
        }
        catch
        {
            // Nobody takes the acknowledgements any more: stop receiving, and leave no task behind.
            await ended.CancelAsync();
            await receiving.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            throw;
        }

        await receiving;
    }

    private async Task ReceiveAsync(CancellationToken ended)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ended, stopping);
        try
        {
            while (await requests.MoveNext(either.Token))
                await _inFlight.Writer.WriteAsync(publisher.PublishAsync(requests.Current, traceParent), ended);
        }
        catch (OperationCanceledException stopped) when (stopping.IsCancellationRequested && !ended.IsCancellationRequested)
        {
            throw new RpcException(
                new Status(StatusCode.Unavailable, "The gateway is stopping. Every event it acknowledged is published."), stopped);
        }
        finally
        {
            _inFlight.Writer.Complete();
        }
    }

    private async Task AcknowledgeAsync(CancellationToken ended)
    {
        await foreach (var acknowledging in _inFlight.Reader.ReadAllAsync(ended))
        {
            var ack = await acknowledging.WaitAsync(ended);
            // A burst of acknowledgements leaves in few packets; the last that is ready takes the others along.
            var another = _inFlight.Reader.TryPeek(out var next) && next.IsCompleted;
            responses.WriteOptions = another ? new WriteOptions(WriteFlags.BufferHint) : WriteOptions.Default;
            await responses.WriteAsync(ack, ended);
        }
    }
}
