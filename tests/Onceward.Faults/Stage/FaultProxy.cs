using System.Net;
using System.Net.Sockets;

namespace Onceward.Faults.Stage;

/// <summary>Stands between clients and a server, and cuts, delays or mutes their connections when it is told to.</summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly int _target;
    private readonly Func<ReadOnlyMemory<byte>, string?> _clientOf;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly HashSet<ProxyLink> _links = [];
    private readonly Task _accepting;
    private int _commitsToMute;
    private long _brokenByServer;

    public FaultProxy(int target, Func<ReadOnlyMemory<byte>, string?> clientOf, int port = 0)
    {
        (_target, _clientOf) = (target, clientOf);
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Connections that the server broke.</summary>
    public long BrokenByServer => Interlocked.Read(ref _brokenByServer);

    /// <summary>COMMITs whose answer was dropped.</summary>
    public int MutedCommits { get; private set; }

    /// <summary>Resets the connections of a client, both ways. Returns how many.</summary>
    public int Cut(string client) => Of(client).Count(link => link.Break());

    /// <summary>Holds back what goes by on the connections of a client for <paramref name="delay"/> each time, until <paramref name="until"/> is over.</summary>
    /// <returns>How many pieces came late.</returns>
    public async Task<long> DelayAsync(string client, TimeSpan delay, TimeSpan until, CancellationToken cancellationToken)
    {
        var late = new DelayedPieces(client, delay);
        lock (_lock)
            Delayed = late;
        try
        {
            await Task.Delay(until, cancellationToken);
        }
        finally
        {
            lock (_lock)
                Delayed = Delayed == late ? null : Delayed;
        }
        return late.Count;
    }

    /// <summary>Drops the answer to the next COMMIT, and the connection with it.</summary>
    public void MuteNextCommit() => Interlocked.Exchange(ref _commitsToMute, 1);

    /// <summary>Forgets a COMMIT that did not come.</summary>
    public void MuteNone() => Interlocked.Exchange(ref _commitsToMute, 0);

    internal DelayedPieces? Delayed { get; private set; }

    internal CancellationToken Stopping => _stopping.Token;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        lock (_lock)
            foreach (var link in _links)
                link.Break();
        _stopping.Dispose();
    }

    internal string? ClientOf(ReadOnlyMemory<byte> first) => _clientOf(first);

    internal bool TakesCommit()
    {
        if (Interlocked.Exchange(ref _commitsToMute, 0) == 0)
            return false;
        MutedCommits++;
        return true;
    }

    internal void CountBrokenByServer() => Interlocked.Increment(ref _brokenByServer);

    private List<ProxyLink> Of(string client)
    {
        lock (_lock)
            return [.. _links.Where(l => l.Client == client)];
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (!_stopping.IsCancellationRequested)
                _ = ServeAsync(await _listener.AcceptSocketAsync(_stopping.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var link = new ProxyLink(this, client);
        lock (_lock)
            _links.Add(link);
        try
        {
            await link.RunAsync(_target);
        }
        finally
        {
            lock (_lock)
                _links.Remove(link);
        }
    }
}

/// <summary>Whose pieces come late, by how much, and how many did.</summary>
internal sealed class DelayedPieces(string client, TimeSpan delay)
{
    private long _count;

    public string Client => client;

    public TimeSpan Delay => delay;

    public long Count => Interlocked.Read(ref _count);

    public void Add() => Interlocked.Increment(ref _count);
}
