using System.Net;
using System.Net.Sockets;
using System.Text;
using Onceward.Faults.Stage;

namespace Onceward.Faults.Tests;

/// <summary>The proxy against a server that echoes what it gets.</summary>
public sealed class ProxyTests : IAsyncDisposable
{
    private const string Client = "somebody";

    private readonly TcpListener _server = new(IPAddress.Loopback, 0);
    private readonly List<Socket> _accepted = [];
    private readonly FaultProxy _proxy;

    public ProxyTests()
    {
        _server.Start();
        _ = EchoAsync();
        _proxy = new FaultProxy(((IPEndPoint)_server.LocalEndpoint).Port, _ => Client);
    }

    [Fact]
    public async Task What_is_not_hurt_goes_through()
    {
        using var client = await ConnectAsync();
        (await AskAsync(client, "hello")).ShouldBe("hello");
    }

    [Fact]
    public async Task A_cut_resets_the_connections_of_one_client_alone()
    {
        using var client = await ConnectAsync();
        await AskAsync(client, "hello");
        _proxy.Cut("somebody else").ShouldBe(0);
        (await AskAsync(client, "still here")).ShouldBe("still here");
        _proxy.Cut(Client).ShouldBe(1);
        await Should.ThrowAsync<SocketException>(() => AskAsync(client, "gone"));
        _proxy.BrokenByServer.ShouldBe(0);
    }

    [Fact]
    public async Task The_server_gets_a_COMMIT_whose_answer_is_dropped()
    {
        using var client = await ConnectAsync();
        await AskAsync(client, "BEGIN ISOLATION LEVEL READ COMMITTED\0");
        _proxy.MuteNextCommit();
        _proxy.MutedCommits.ShouldBe(0);
        await Should.ThrowAsync<SocketException>(() => AskAsync(client, "Q COMMIT\0"));
        _proxy.MutedCommits.ShouldBe(1);
        Encoding.UTF8.GetString(_seen.ToArray()).ShouldEndWith("Q COMMIT\0");
    }

    [Fact]
    public async Task Delayed_pieces_come_late_and_are_counted()
    {
        using var client = await ConnectAsync();
        await AskAsync(client, "hello");
        var delaying = _proxy.DelayAsync(Client, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1), CancellationToken.None);
        var since = TimeProvider.System.GetTimestamp();
        (await AskAsync(client, "late")).ShouldBe("late");
        TimeProvider.System.GetElapsedTime(since).ShouldBeGreaterThan(TimeSpan.FromMilliseconds(190));
        (await delaying).ShouldBe(2);
    }

    [Fact]
    public async Task A_server_that_goes_away_is_counted()
    {
        using var client = await ConnectAsync();
        await AskAsync(client, "hello");
        lock (_accepted)
            _accepted.ForEach(s => s.Dispose());
        await Should.ThrowAsync<SocketException>(() => AskAsync(client, "anybody?"));
        _proxy.BrokenByServer.ShouldBe(1);
    }

    [Fact]
    public void A_Kafka_client_is_known_by_the_id_in_its_first_request()
    {
        byte[] request = [0, 0, 0, 30, 0, 18, 0, 3, 0, 0, 0, 1, 0, 8, .. "worker-2"u8, 1, 2, 3];
        ClientNames.OfKafka(request).ShouldBe("worker-2");
        ClientNames.OfKafka(request.AsMemory(0, 16)).ShouldBeNull();
        ClientNames.OfKafka(new byte[] { 0, 0, 0, 30, 0, 18, 0, 3, 0, 0, 0, 1, 255, 255 }).ShouldBeNull();
    }

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        _server.Dispose();
    }

    private readonly List<byte> _seen = [];

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, _proxy.Port);
        return socket;
    }

    /// <summary>Sends, and waits for as much to come back; an end counts as an error.</summary>
    private static async Task<string> AskAsync(Socket socket, string text)
    {
        var (bytes, answer) = (Encoding.UTF8.GetBytes(text), new List<byte>());
        await socket.SendAsync(bytes);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var buffer = new byte[1024];
        while (answer.Count < bytes.Length)
            answer.AddRange(await socket.ReceiveAsync(buffer, patience.Token) is var read and > 0 ? buffer[..read] : throw new SocketException((int)SocketError.ConnectionReset));
        return Encoding.UTF8.GetString([.. answer]);
    }

    private async Task EchoAsync()
    {
        try
        {
            while (true)
                _ = EchoAsync(await _server.AcceptSocketAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private async Task EchoAsync(Socket socket)
    {
        lock (_accepted)
            _accepted.Add(socket);
        var buffer = new byte[1024];
        try
        {
            while (await socket.ReceiveAsync(buffer) is var read and > 0)
            {
                _seen.AddRange(buffer.AsSpan(0, read));
                await socket.SendAsync(buffer.AsMemory(0, read));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Reset.
        }
    }
}
