using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Onceward.Broker.Faults;
using Onceward.Broker.Storage;

namespace Onceward.Broker.Listening;

/// <summary>Takes connections on one address and runs each until it ends.</summary>
/// <remarks>
/// The port is taken at once, so that a taken one is known before anything is opened; connections are taken from <see cref="Start"/> on.
/// When it stops, waiting requests are answered with what there is; a peer that does not take its answer is cut off after a while.
/// </remarks>
internal sealed partial class Listener : IAsyncDisposable
{
    private const int Backlog = 512;
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(5); // Longer than any append with its flush should take.
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100); // For file handles to become free.

    private static readonly int Most = OpenFileLimit.OfClients(OpenFileLimit.OfProcess);
    private readonly Socket socket;
    private readonly BrokerOptions options;
    private readonly BrokerFaults faults;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<long, (Connection Connection, Task Run)> connections = new();
    private Task accepting = Task.CompletedTask;
    private long lastId;
    private bool clientsWait; // It has been said.

    private Listener(Socket socket, BrokerOptions options, BrokerFaults faults, ILogger logger)
    {
        (this.socket, this.options, this.faults, this.logger) = (socket, options, faults, logger);
        Endpoint = (IPEndPoint)socket.LocalEndPoint!;
    }

    public IPEndPoint Endpoint { get; }

    public int Connections => connections.Count;

    /// <param name="options">The address and the largest request.</param>
    /// <param name="port">0: a free one.</param>
    /// <param name="faults">Of a test; they may refuse connections.</param>
    /// <param name="loggerFactory">For what goes wrong with connections.</param>
    /// <exception cref="IOException">The port is taken, or is not allowed.</exception>
    public static Listener Bind(BrokerOptions options, int port, BrokerFaults faults, ILoggerFactory loggerFactory)
    {
        var bound = new Socket(options.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            bound.Bind(new IPEndPoint(options.Address, port));
            return new Listener(bound, options, faults, loggerFactory.CreateLogger<Listener>());
        }
        catch (SocketException e)
        {
            bound.Dispose();
            throw new IOException($"cannot listen on {options.Address}:{port}: {e.Message}", e);
        }
    }

    /// <exception cref="IOException">Another took the port meanwhile.</exception>
    public void Start(RequestRouter router)
    {
        try
        {
            socket.Listen(Backlog);
        }
        catch (SocketException e)
        {
            throw new IOException($"cannot listen on {Endpoint}: {e.Message}", e);
        }
        accepting = AcceptAsync(router);
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        socket.Dispose();
        await accepting.ConfigureAwait(false);
        var runs = Task.WhenAll(connections.Values.Select(entry => entry.Run));
        try
        {
            await runs.WaitAsync(StopTimeout).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            foreach (var (connection, _) in connections.Values)
                connection.Dispose();
            await runs.ConfigureAwait(false);
        }
        stopping.Dispose();
    }

    private async Task AcceptAsync(RequestRouter router)
    {
        try
        {
            while (true)
            {
                if (await TryAcceptAsync().ConfigureAwait(false) is { } accepted)
                    Take(accepted, router);
                else
                    await Task.Delay(AcceptPause, options.TimeProvider, stopping.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (stopping.IsCancellationRequested && e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // It stops: the socket is closed under the wait.
        }
    }

    /// <summary>Null: not now; too few file handles, as a rule.</summary>
    private async ValueTask<Socket?> TryAcceptAsync()
    {
        if (connections.Count >= Most)
        {
            Wait($"{Most} are open, and the files that this process may still open are for its logs (ulimit -n)");
            return null;
        }
        try
        {
            var accepted = await socket.AcceptAsync(stopping.Token).ConfigureAwait(false);
            clientsWait = false;
            return accepted;
        }
        catch (SocketException e) when (!stopping.IsCancellationRequested)
        {
            Wait(e.Message);
            return null;
        }

        void Wait(string reason)
        {
            if (!clientsWait)
                LogAcceptFailed(logger, reason);
            clientsWait = true;
        }
    }

    private void Take(Socket accepted, RequestRouter router)
    {
        Connection connection;
        var id = ++lastId;
        try
        {
            if (faults.Refuses())
            {
                accepted.Close(timeout: 0); // Resets it.
                return;
            }
            accepted.NoDelay = true;
            connection = new Connection(accepted, id, options.MaxRequestBytes, router, logger);
        }
        catch (SocketException) // The peer is gone already.
        {
            accepted.Dispose();
            return;
        }
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connections[id] = (connection, RunAsync(id, connection, start.Task));
        start.SetResult();
    }

    private async Task RunAsync(long id, Connection connection, Task entered)
    {
        await entered.ConfigureAwait(false);
        try
        {
            await connection.RunAsync(stopping.Token).ConfigureAwait(false);
        }
        finally
        {
            connection.Dispose();
            connection.Release();
            connections.TryRemove(id, out _);
        }
    }

    [LoggerMessage(EventIds.AcceptFailed, LogLevel.Warning, "Cannot take another connection: {Reason}")]
    private static partial void LogAcceptFailed(ILogger logger, string reason);
}
