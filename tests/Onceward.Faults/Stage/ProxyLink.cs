using System.Net;
using System.Net.Sockets;

namespace Onceward.Faults.Stage;

/// <summary>One connection through a <see cref="FaultProxy"/>.</summary>
internal sealed class ProxyLink(FaultProxy proxy, Socket client) : IDisposable
{
    private readonly Socket _server = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _muted;
    private int _broken;

    /// <summary>Known once the client has sent something.</summary>
    public string? Client { get; private set; }

    public async Task RunAsync(int target)
    {
        try
        {
            client.NoDelay = true;
            await _server.ConnectAsync(IPAddress.Loopback, target, proxy.Stopping);
            await await Task.WhenAny(ToServerAsync(), ToClientAsync());
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One side is gone; leaving closes the other.
        }
        finally
        {
            Break();
        }
    }

    public void Dispose() => Break();

    /// <summary>Resets both sides. Returns whether they were open.</summary>
    public bool Break()
    {
        if (Interlocked.Exchange(ref _broken, 1) != 0)
            return false;
        Reset(client);
        Reset(_server);
        return true;
    }

    private async Task ToServerAsync()
    {
        var buffer = new byte[64 * 1024];
        while (await client.ReceiveAsync(buffer, proxy.Stopping) is var read and > 0)
        {
            var piece = buffer.AsMemory(0, read);
            Client ??= proxy.ClientOf(piece);
            await HoldBackAsync();
            // The terminator tells it from "READ COMMITTED".
            if (piece.Span.IndexOf("COMMIT\0"u8) < 0 || !proxy.TakesCommit())
            {
                await SendAsync(_server, piece);
                continue;
            }
            _muted = true;
            await SendAsync(_server, piece);
            await _answered.Task.WaitAsync(TimeSpan.FromSeconds(5), proxy.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }
    }

    private async Task ToClientAsync()
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await _server.ReceiveAsync(buffer, proxy.Stopping) is var read and > 0)
            {
                if (_muted)
                {
                    _answered.TrySetResult();
                    continue;
                }
                await HoldBackAsync();
                await SendAsync(client, buffer.AsMemory(0, read));
            }
        }
        catch (SocketException) when (_broken == 0)
        {
            // As good as an end.
        }
        if (_broken == 0)
            proxy.CountBrokenByServer();
    }

    private async ValueTask HoldBackAsync()
    {
        if (proxy.Delayed is not { } delayed || delayed.Client != Client)
            return;
        delayed.Add();
        await Task.Delay(delayed.Delay, proxy.Stopping);
    }

    private async Task SendAsync(Socket to, ReadOnlyMemory<byte> piece)
    {
        while (!piece.IsEmpty)
            piece = piece[await to.SendAsync(piece, proxy.Stopping)..];
    }

    private static void Reset(Socket socket)
    {
        try
        {
            // Unsent data is thrown away, and the peer gets a reset instead of an orderly end.
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is closed already, or never was connected.
        }
        socket.Dispose();
    }
}
