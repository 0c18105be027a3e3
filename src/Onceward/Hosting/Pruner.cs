using Microsoft.Extensions.Logging;
using Npgsql;
using Onceward.Handling;
using Onceward.Ledger;

namespace Onceward.Hosting;

/// <summary>Prunes the remembered event ids of a worker, now and then, a little at a time.</summary>
internal sealed partial class Pruner(string worker, TimeSpan window, IReadOnlyCollection<Subscription> subscriptions, NpgsqlDataSource database, TimeProvider time, ILogger<Pruner> logger)
{
    // A day's ids of a busy topic are gone in minutes at this pace, and no transaction lasts longer than a batch of a lane.
    private const int BatchRows = 1000;
    private static readonly TimeSpan s_betweenBatches = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_interval = TimeSpan.FromMinutes(1);

    public async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            var pruned = 0;
            try
            {
                pruned = await SeenEvents.PruneAsync(database, [.. subscriptions.Select(s => s.Id)], window, BatchRows, stopping).ConfigureAwait(false);
                if (pruned > 0)
                    LogPruned(logger, worker, pruned);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            // The loop boundary: what is not pruned now is pruned later.
            catch (Exception e)
            {
                LogFailed(logger, e, worker);
            }
            await Task.Delay(pruned == BatchRows ? s_betweenBatches : s_interval, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(EventIds.EventsPruned, LogLevel.Debug, "Worker {Worker} forgot {Count} event ids")]
    private static partial void LogPruned(ILogger logger, string worker, int count);

    [LoggerMessage(EventIds.PruneFailed, LogLevel.Warning, "Worker {Worker} could not forget old event ids; again in a minute")]
    private static partial void LogFailed(ILogger logger, Exception exception, string worker);
}
