using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Onceward.Broker.Faults;
using Onceward.Broker.Listening;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Topics;

namespace Onceward.Broker;

/// <summary>A Kafka broker in this process, for a first try, development and tests. Production means Apache Kafka.</summary>
/// <remarks>
/// Any Kafka client connects to <see cref="BootstrapServers"/>. What was acknowledged is kept as <see cref="BrokerOptions.Flush"/> says; in memory
/// mode as long as the object lives. Thread-safe, but for starts and stops, which come one after another.
/// </remarks>
public sealed partial class EmbeddedBroker : IAsyncDisposable
{
    private readonly BrokerOptions options;
    private readonly ILoggerFactory loggerFactory;
    private readonly ILogger logger;
    private Listener? listener;
    private BrokerNode? node;
    private int port;

    private EmbeddedBroker(BrokerOptions options, ILoggerFactory loggerFactory)
    {
        (this.options, this.loggerFactory, port) = (options, loggerFactory, options.Port);
        logger = loggerFactory.CreateLogger<EmbeddedBroker>();
    }

    /// <summary>Host and port, for a client's <c>bootstrap.servers</c>. The port stays over restarts.</summary>
    public string BootstrapServers => $"{options.Address}:{port}";

    /// <summary>The cluster's id; it stays with the data directory.</summary>
    public string ClusterId => Node.ClusterId;

    /// <summary>Faults for tests: late, failing and unanswered requests, cut and refused connections, a coordinator that moves.</summary>
    public BrokerFaults Faults { get; } = new();

    private BrokerNode Node => node ?? throw new InvalidOperationException("The broker is stopped: restart it first.");

    /// <summary>Starts a broker; it takes requests when the task is done.</summary>
    /// <param name="options">Copied. Null: in memory, on a free port.</param>
    /// <param name="loggerFactory">Null: it says nothing.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">Options that cannot be; the message names all of them.</exception>
    /// <exception cref="IOException">The port is taken, or the data directory cannot be used or belongs to another process.</exception>
    /// <exception cref="InvalidDataException">What the data directory holds is damaged.</exception>
    public static async ValueTask<EmbeddedBroker> StartAsync(
        BrokerOptions? options = null, ILoggerFactory? loggerFactory = null, CancellationToken cancellationToken = default)
    {
        var broker = new EmbeddedBroker((options ?? new BrokerOptions()).Checked(), loggerFactory ?? NullLoggerFactory.Instance);
        await broker.ListenAsync(cancellationToken).ConfigureAwait(false);
        return broker;
    }

    /// <summary>Creates a topic, as an administrator would.</summary>
    /// <param name="name">1 to 249 characters of a-z, A-Z, 0-9, '.', '_' and '-'.</param>
    /// <param name="partitions">Null: <see cref="BrokerOptions.DefaultPartitions"/>.</param>
    /// <param name="settings">By Kafka's names.</param>
    /// <exception cref="ArgumentException">The topic cannot be created; the message says why.</exception>
    public void CreateTopic(string name, int? partitions = null, IReadOnlyDictionary<string, string>? settings = null)
    {
        var (error, message, _) = Node.Topics.Create(new NewTopic(name, partitions ?? -1, -1, settings ?? new Dictionary<string, string>()));
        if (error != Protocol.ErrorCode.None)
            throw new ArgumentException($"{error}: {message}", nameof(name));
    }

    /// <summary>Whether there is such a topic.</summary>
    public bool HasTopic(string name) => Node.Topics.TryGet(name, out _);

    /// <summary>Stops taking requests, answers what waits, and closes. In memory mode the records go.</summary>
    public async ValueTask StopAsync()
    {
        if (listener is null || node is null)
            return;
        await listener.DisposeAsync().ConfigureAwait(false);
        await node.DisposeAsync().ConfigureAwait(false);
        (listener, node) = (null, null);
        LogStopped(logger, BootstrapServers);
    }

    /// <summary>Stops, if it runs, and starts again on the same port: with the same records on disk, with none in memory mode.</summary>
    public async ValueTask RestartAsync(CancellationToken cancellationToken = default)
    {
        await StopAsync().ConfigureAwait(false);
        await ListenAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => StopAsync();

    private async ValueTask ListenAsync(CancellationToken cancellationToken)
    {
        var bound = Listener.Bind(options, port, Faults, loggerFactory); // First: a taken port is known before anything is opened.
        try
        {
            var advertised = options.AdvertisedPort > 0 ? options.AdvertisedPort : bound.Endpoint.Port;
            var address = new NodeAddress(options.NodeId, bound.Endpoint.Address.ToString(), advertised);
            node = await BrokerNode.OpenAsync(options, loggerFactory, address, cancellationToken).ConfigureAwait(false);
            bound.Start(new RequestRouter(node, Faults));
        }
        catch
        {
            await bound.DisposeAsync().ConfigureAwait(false);
            if (node is not null)
                await node.DisposeAsync().ConfigureAwait(false);
            node = null;
            throw;
        }
        (listener, port) = (bound, bound.Endpoint.Port);
        LogStarted(logger, BootstrapServers, options.DataDirectory ?? "memory");
    }

    [LoggerMessage(EventIds.Started, LogLevel.Information, "Broker listens on {Servers}; records are kept in {Data}")]
    private static partial void LogStarted(ILogger logger, string servers, string data);

    [LoggerMessage(EventIds.Stopped, LogLevel.Information, "Broker on {Servers} stopped")]
    private static partial void LogStopped(ILogger logger, string servers);
}
