using Microsoft.Extensions.Logging;
using Onceward.Broker.Groups;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Storage;
using Onceward.Broker.Topics;
using Onceward.Broker.Transactions;

namespace Onceward.Broker;

/// <summary>The parts of one running broker, put together once; handlers take from it what they need.</summary>
/// <remarks>Crash: <see cref="OpenAsync"/> reads back what a process that died left, in the order in which the parts rest on each other.</remarks>
internal sealed class BrokerNode : IAsyncDisposable
{
    private readonly LogManager logs;
    private readonly MetadataJournal journal;

    private BrokerNode(BrokerOptions options, ILoggerFactory loggerFactory, NodeAddress address, LogManager logs, MetadataJournal journal, List<MetadataRecord> records)
    {
        (Options, LoggerFactory, Address, this.logs, this.journal) = (options, loggerFactory, address, logs, journal);
        Topics = new TopicRegistry(options, logs, journal);
        Configs = new ConfigResources(options, Topics, journal, $"PLAINTEXT://{address.Host}:{address.Port}");
        var producerIds = new ProducerIds(journal);
        Topics.Replay(records);
        Configs.Replay(records);
        producerIds.Replay(records);
        ClusterId = records.OfType<ClusterNamed>().LastOrDefault()?.Id ?? RandomId.Write(RandomId.Next());
        journal.Rewrite([new ClusterNamed(ClusterId), .. producerIds.Live(), .. Topics.Live(), .. Configs.Live()]);
        Groups = new GroupCoordinator(options, Topics, loggerFactory);
        Transactions = new TransactionCoordinator(options, Topics, Groups, producerIds, loggerFactory);
    }

    public BrokerOptions Options { get; }

    public ILoggerFactory LoggerFactory { get; }

    /// <summary>Kept across restarts of the same data directory.</summary>
    public string ClusterId { get; }

    /// <summary>Where clients reach it.</summary>
    public NodeAddress Address { get; }

    public TopicRegistry Topics { get; }

    public ConfigResources Configs { get; }

    public GroupCoordinator Groups { get; }

    public TransactionCoordinator Transactions { get; }

    /// <exception cref="IOException">The data directory cannot be used.</exception>
    /// <exception cref="InvalidDataException">What is in it is damaged.</exception>
    public static async ValueTask<BrokerNode> OpenAsync(BrokerOptions options, ILoggerFactory loggerFactory, NodeAddress address, CancellationToken cancellationToken)
    {
        var node = await CreateAsync(options, loggerFactory, address).ConfigureAwait(false);
        try
        {
            node.Groups.Start();
            await node.Transactions.StartAsync(cancellationToken).ConfigureAwait(false); // It may end transactions that hold offsets of groups.
            return node;
        }
        catch
        {
            await node.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async ValueTask<BrokerNode> CreateAsync(BrokerOptions options, ILoggerFactory loggerFactory, NodeAddress address)
    {
        var opened = new LogManager(options, loggerFactory); // First: it takes the data directory for itself.
        MetadataJournal? metadata = null;
        try
        {
            List<MetadataRecord> records = [];
            metadata = new MetadataJournal(options.DataDirectory is { } path ? MetadataLog.Open(Path.Combine(path, "metadata.log"), out records) : null);
            return new BrokerNode(options, loggerFactory, address, opened, metadata, records);
        }
        catch
        {
            metadata?.Dispose();
            await opened.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Transactions.DisposeAsync().ConfigureAwait(false);
        Groups.Dispose();
        journal.Dispose();
        await logs.DisposeAsync().ConfigureAwait(false);
    }
}
