using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Onceward.Broker.Log;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Storage;

/// <summary>All logs of one broker: where they live, and what is done to them now and then.</summary>
/// <remarks>
/// <para>Holds the data directory alone; it is made first, before anything else reads or writes there.</para>
/// <para>One timer for all logs, one loop that flushes in the background, a bounded number of open files. In memory mode all logs share one
/// bound, beyond which appends are refused; nothing is dropped.</para>
/// </remarks>
internal sealed class LogManager : IAsyncDisposable
{
    private const int ClosedAtOnce = 8; // Each waits for the disk; together they share its journal's commits.

    private readonly ConcurrentDictionary<PartitionLog, bool> logs = new(); // And whether it waits for its flush in the background.
    private readonly Channel<PartitionLog> toFlush = Channel.CreateUnbounded<PartitionLog>();
    private readonly DataDirectory? directory;
    private readonly FilePool files = new(OpenFileLimit.OfLogs(OpenFileLimit.OfProcess));
    private readonly MemoryBudget budget;
    private readonly LogEnvironment environment;
    private readonly List<ITimer> timers = [];
    private readonly Task flushing;
    private int housekeeping;

    /// <exception cref="IOException">The data directory cannot be used; the message says why, in one line.</exception>
    public LogManager(BrokerOptions options, ILoggerFactory loggerFactory)
    {
        directory = options.DataDirectory is { } path ? DataDirectory.Open(path) : null;
        budget = new MemoryBudget(options.MemoryLimit);
        environment = new LogEnvironment(
            directory?.LeaderEpoch ?? 0,
            directory is null ? FlushPolicy.None : options.Flush,
            options.TimeProvider,
            loggerFactory.CreateLogger<LogManager>(),
            directory is null ? static _ => { } : FlushLater);
        flushing = directory is null ? Task.CompletedTask : Task.Run(FlushWhatIsAsked);
        timers.Add(options.TimeProvider.CreateTimer(
            static manager => ((LogManager)manager!).Housekeep(), this, options.HousekeepingInterval, options.HousekeepingInterval));
        if (environment.Flush == FlushPolicy.Interval)
        {
            timers.Add(options.TimeProvider.CreateTimer(
                static manager => ((LogManager)manager!).FlushDirty(), this, options.FlushInterval, options.FlushInterval));
        }
    }

    /// <summary>What the records in memory take.</summary>
    public long MemoryUsed => budget.Used;

    public int OpenFiles => files.OpenCount;

    /// <summary>The log of a partition. Cheap: what is on disk is looked at when the log is first used.</summary>
    /// <param name="topic">Its name, which the folder carries.</param>
    /// <param name="partition">From 0.</param>
    /// <param name="topicId">What is there of another incarnation of the topic is set aside.</param>
    /// <param name="settings">Asked for at each use: they may change.</param>
    public PartitionLog Open(string topic, int partition, Guid topicId, Func<TopicSettings> settings)
    {
        ILogStore store = directory is null
            ? new MemoryStore(budget, environment.Clock)
            : new FolderStore(new PartitionFolder(directory.Path, topic, partition, topicId), files, topicId, environment, settings);
        var log = new PartitionLog(topic, partition, store, settings, environment);
        logs[log] = false;
        return log;
    }

    /// <summary>Takes a partition out for good, its records with it; readers that hold a part of it read nothing.</summary>
    public void Delete(PartitionLog log)
    {
        logs.TryRemove(log, out _);
        log.Delete();
    }

    /// <summary>Retention and expiry, now.</summary>
    public void Housekeep()
    {
        if (Interlocked.Exchange(ref housekeeping, 1) == 1)
            return;
        try
        {
            foreach (var (log, _) in logs)
                Housekeep(log);
        }
        finally
        {
            Volatile.Write(ref housekeeping, 0);
        }
    }

    /// <summary>Flushes all logs and closes them in order, so that the next start has nothing to recover.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var timer in timers)
            await timer.DisposeAsync().ConfigureAwait(false);
        toFlush.Writer.TryComplete();
        await flushing.ConfigureAwait(false);
        await Parallel.ForEachAsync(logs.Keys, new ParallelOptions { MaxDegreeOfParallelism = ClosedAtOnce }, Close).ConfigureAwait(false);
        files.Dispose();
        directory?.Dispose();
    }

    private async ValueTask Close(PartitionLog log, CancellationToken cancellationToken)
    {
        try
        {
            await log.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            environment.Logger.LogTroubled(log.Topic, log.Partition, e.Message); // The next start recovers it.
        }
    }

    private void Housekeep(PartitionLog log)
    {
        try
        {
            log.Housekeep();
        }
        // A timer's callback: what escapes it ends the process. And what fails for one log must not keep the others from making room.
        catch (Exception e)
        {
            environment.Logger.HousekeepingFailed(e, log.Topic, log.Partition);
        }
    }

    private void FlushLater(PartitionLog log)
    {
        if (logs.TryUpdate(log, true, comparisonValue: false))
            toFlush.Writer.TryWrite(log);
    }

    private void FlushDirty()
    {
        foreach (var (log, _) in logs)
        {
            if (log.IsDirty)
                environment.FlushLater(log);
        }
    }

    private async Task FlushWhatIsAsked()
    {
        await foreach (var log in toFlush.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            logs.TryUpdate(log, false, comparisonValue: true); // What is appended from here on asks for another.
            try
            {
                await log.FlushAsync(CancellationToken.None).ConfigureAwait(false);
            }
            catch (IOException)
            {
                // The log has said so, and has stopped or tries again.
            }
        }
    }
}
