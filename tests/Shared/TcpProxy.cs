using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Onceward.TestSupport;

/// <summary>Where a connection breaks.</summary>
public enum Cut
{
    /// <summary>Nowhere.</summary>
    None,

    /// <summary>The client has sent COMMIT, the server never gets it.</summary>
    BeforeCommit,

    /// <summary>The server has executed COMMIT, the client never gets the answer.</summary>
    AfterCommit,

    /// <summary>The client's side breaks at COMMIT, which the server gets only when the test says so.</summary>
    LateCommit,
}

/// <summary>Stands between a client and PostgreSQL and breaks a connection at its next COMMIT.</summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly string _host;
    private readonly int _port;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _accepting;
    private int _next;
    private int _halve;
    private int _cuts;

    /// <param name="server">The connection string of the server behind the proxy.</param>
    public TcpProxy(string server)
    {
        var settings = new NpgsqlConnectionStringBuilder(server);
        (_host, _port) = (settings.Host!, settings.Port);
        _listener.Start();
        settings.Host = "127.0.0.1";
        settings.Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        // The proxy reads what goes by.
        settings.SslMode = SslMode.Disable;
        ConnectionString = settings.ConnectionString;
        _accepting = AcceptAsync();
    }

    /// <summary>The same server, through the proxy.</summary>
    public string ConnectionString { get; }

    /// <summary>How many connections were broken.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

    /// <summary>Breaks the connection that is the next to send COMMIT.</summary>
    public void CutNext(Cut at) => Volatile.Write(ref _next, (int)at);

    /// <summary>Of the next statement only its first message reaches the server: its client is frozen while it sends.</summary>
    public void HalveNext() => Volatile.Write(ref _halve, 1);

    /// <summary>Lets a COMMIT that was held back reach the server.</summary>
    public void ReleaseLateCommit() => _released.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (!_stopping.IsCancellationRequested)
                connections.Add(ServeAsync(await _listener.AcceptSocketAsync(_stopping.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
        await Task.WhenAll(connections);
    }

    private async Task ServeAsync(Socket client)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var _ = client;
        try
        {
            client.NoDelay = true;
            await server.ConnectAsync(_host, _port, _stopping.Token);
            var muted = new StrongBox();
            await await Task.WhenAny(ToServerAsync(client, server, muted), ToClientAsync(server, client, muted));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One side is gone; leaving closes the other.
        }
    }

    private async Task ToServerAsync(Socket client, Socket server, StrongBox muted)
    {
        var buffer = new byte[64 * 1024];
        while (await client.ReceiveAsync(buffer, _stopping.Token) is var read and > 0)
        {
            var bytes = buffer.AsMemory(0, read);
            if (bytes.Span[0] == (byte)'P' && Interlocked.Exchange(ref _halve, 0) != 0)
            {
                await server.SendAsync(bytes[..(1 + BinaryPrimitives.ReadInt32BigEndian(bytes.Span[1..]))], _stopping.Token);
                await Task.Delay(Timeout.Infinite, _stopping.Token);
            }
            // The terminator tells it from "READ COMMITTED".
            var cut = bytes.Span.IndexOf("COMMIT\0"u8) >= 0 ? (Cut)Interlocked.Exchange(ref _next, 0) : Cut.None;
            if (cut is Cut.None)
            {
                await server.SendAsync(bytes, _stopping.Token);
                continue;
            }
            Interlocked.Increment(ref _cuts);
            if (cut is Cut.BeforeCommit)
                return;
            muted.Value = true;
            if (cut is Cut.LateCommit)
            {
                client.Close();
                await _released.Task.WaitAsync(_stopping.Token);
            }
            await server.SendAsync(bytes, _stopping.Token);
            await muted.Answered.Task.WaitAsync(_stopping.Token);
            return;
        }
    }

    private async Task ToClientAsync(Socket server, Socket client, StrongBox muted)
    {
        var buffer = new byte[64 * 1024];
        while (await server.ReceiveAsync(buffer, _stopping.Token) is var read and > 0)
        {
            if (!muted.Value)
                await client.SendAsync(buffer.AsMemory(0, read), _stopping.Token);
            else
                muted.Answered.TrySetResult();
        }
    }

    private sealed class StrongBox
    {
        public volatile bool Value;

        public TaskCompletionSource Answered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
