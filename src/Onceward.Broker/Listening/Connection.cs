using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Onceward.Broker.Faults;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Listening;

/// <summary>Who is at the other end.</summary>
/// <param name="Host">As groups show it, such as "/127.0.0.1".</param>
/// <param name="Address">With the port, for the log.</param>
/// <param name="ConnectionId">Unique among the connections of this process.</param>
internal sealed record Peer(string Host, string Address, long ConnectionId);

/// <summary>One client's connection: requests are taken, handled and answered one after the other.</summary>
/// <remarks>
/// Order: the next request is not looked at before the answer to the last one is sent, which is what idempotent producers with several requests
/// in flight rest on. A request that waits costs no thread. What is no request, and a failure in a handler, end the connection with one
/// line in the log; others go on.
/// </remarks>
internal sealed partial class Connection : IDisposable
{
    private readonly Socket socket;
    private readonly FrameReader frames;
    private readonly RequestRouter router;
    private readonly Peer peer;
    private readonly ILogger logger;

    public Connection(Socket socket, long id, int mostRequestBytes, RequestRouter router, ILogger logger)
    {
        (this.socket, this.router, this.logger) = (socket, router, logger);
        frames = new FrameReader(socket, mostRequestBytes);
        var remote = (IPEndPoint)socket.RemoteEndPoint!;
        peer = new Peer($"/{remote.Address}", remote.ToString(), id);
    }

    /// <summary>Until the peer closes or <paramref name="stopping"/>; a request being handled then is answered first.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        RequestHeader header = default;
        try
        {
            while (await frames.NextAsync(stopping).ConfigureAwait(false) is { } frame)
            {
                header = RequestHeader.Read(frame);
                await AnswerAsync(header, stopping).ConfigureAwait(false);
                header = default;
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The broker stops.
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            LogAborted(logger, peer.Address, e.Message);
        }
        catch (ConnectionCutException e)
        {
            LogAborted(logger, peer.Address, e.Message);
            socket.Close(timeout: 0); // Resets it; nothing, where the broker has closed it meanwhile.
        }
        catch (MalformedRequestException e)
        {
            LogRefused(logger, peer.Address, e.Message);
        }
        catch (Exception e) // The loop's boundary: a handler's fault costs its connection, not the broker.
        {
            LogFailed(logger, e, peer.Address, header.Api.Key, header.Version);
        }
    }

    /// <summary>Also ends <see cref="RunAsync"/>, at the latest when a send or receive is tried.</summary>
    public void Dispose() => socket.Dispose();

    /// <summary>Gives the buffer back; only after <see cref="RunAsync"/> has ended.</summary>
    public void Release() => frames.Dispose();

    private async ValueTask AnswerAsync(RequestHeader header, CancellationToken stopping)
    {
        using var answer = await router.AnswerAsync(header, peer, stopping).ConfigureAwait(false);
        for (var left = answer?.Written ?? default; left.Length > 0;)
            left = left[await socket.SendAsync(left, SocketFlags.None, CancellationToken.None).ConfigureAwait(false)..];
    }

    [LoggerMessage(EventIds.ConnectionRefused, LogLevel.Warning, "Closed the connection of {Peer}: {Reason}")]
    private static partial void LogRefused(ILogger logger, string peer, string reason);

    [LoggerMessage(EventIds.ConnectionAborted, LogLevel.Debug, "The connection of {Peer} broke: {Reason}")]
    private static partial void LogAborted(ILogger logger, string peer, string reason);

    [LoggerMessage(EventIds.ConnectionFailed, LogLevel.Error, "Closed the connection of {Peer}: {Api} of version {Version} could not be handled")]
    private static partial void LogFailed(ILogger logger, Exception exception, string peer, ApiKey api, short version);
}
