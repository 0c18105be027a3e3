using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Onceward.Broker.Log;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Storage;

/// <summary>All logs of one broker: where they live, and what is done to them now and then.</summary>
/// <remarks>One timer for all. In memory mode all logs share one bound, beyond which appends are refused; nothing is dropped.</remarks>
internal sealed class LogManager : IAsyncDisposable
{
    private readonly ConcurrentDictionary<PartitionLog, bool> logs = new();
    private readonly BrokerOptions options;
    private readonly ILogger logger;
    private readonly MemoryBudget budget;
    private readonly ITimer housekeeping;

    /// <exception cref="IOException">The data directory cannot be used; the message says why, in one line.</exception>
    public LogManager(BrokerOptions options, ILoggerFactory loggerFactory)
    {
        this.options = options;
        logger = loggerFactory.CreateLogger<LogManager>();
        budget = new MemoryBudget(options.MemoryLimit);
        housekeeping = options.TimeProvider.CreateTimer(
            static manager => ((LogManager)manager!).Housekeep(), this, options.HousekeepingInterval, options.HousekeepingInterval);
    }

    /// <summary>What the records in memory take.</summary>
    public long MemoryUsed => budget.Used;

    /// <summary>The log of a partition. Cheap: what is on disk is looked at when the log is first used.</summary>
    /// <param name="topic">Its name, which the folder carries.</param>
    /// <param name="partition">From 0.</param>
    /// <param name="topicId">What is there of another incarnation of the topic is set aside.</param>
    /// <param name="settings">Asked for at each use: they may change.</param>
    public PartitionLog Open(string topic, int partition, Guid topicId, Func<TopicSettings> settings)
    {
        var log = new PartitionLog(topic, partition, leaderEpoch: 0, new MemoryStore(budget, options.TimeProvider), settings, options.TimeProvider, logger);
        logs[log] = true;
        return log;
    }

    /// <summary>Takes a partition out for good, its records with it.</summary>
    public void Delete(PartitionLog log)
    {
        logs.TryRemove(log, out _);
        log.Delete();
    }

    /// <summary>Retention and expiry, now.</summary>
    public void Housekeep()
    {
        foreach (var (log, _) in logs)
            log.Housekeep();
    }

    public async ValueTask DisposeAsync()
    {
        await housekeeping.DisposeAsync().ConfigureAwait(false);
        foreach (var (log, _) in logs)
            await log.DisposeAsync().ConfigureAwait(false);
    }
}
