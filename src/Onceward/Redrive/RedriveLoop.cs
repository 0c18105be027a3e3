using Microsoft.Extensions.Logging;
using Onceward.Handling;
using Onceward.Lanes;

namespace Onceward.Redrive;

/// <summary>Redrives the parked keys of a worker, one after another, as their time comes.</summary>
/// <remarks>
/// <b>Concurrency:</b> one in each process of the worker, whatever partitions it has; a key that another one holds is passed over.
/// </remarks>
internal sealed partial class RedriveLoop(
    string worker, RedriveTransaction transaction, LaneConnection connection, IReadOnlyCollection<Subscription> subscriptions,
    TimeProvider time, Random random, ILogger<RedriveLoop> logger) : IAsyncDisposable
{
    // A probe of an index that is mostly empty, four times a second: short beside the first pause of a key.
    private static readonly TimeSpan s_rest = TimeSpan.FromMilliseconds(250);
    private static readonly Backoff s_infrastructure = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));

    /// <param name="stopping">No further key is begun.</param>
    /// <param name="aborting">The open transaction is rolled back.</param>
    public async Task RunAsync(CancellationToken stopping, CancellationToken aborting)
    {
        var failures = 0;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                // Their ids change where an operator lets the worker begin anew.
                if (!await transaction.RunAsync(subscriptions.ToDictionary(s => s.Id), aborting).ConfigureAwait(false))
                    await Task.Delay(s_rest, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                failures = 0;
            }
            catch (OperationCanceledException) when (aborting.IsCancellationRequested)
            {
                return;
            }
            // The loop boundary: what is parked stays parked, whatever went wrong.
            catch (Exception e)
            {
                await connection.DiscardAsync().ConfigureAwait(false);
                var pause = s_infrastructure.After(++failures, random);
                LogFailed(logger, e, worker, pause.TotalSeconds);
                await Task.Delay(pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    [LoggerMessage(EventIds.RedriveFailed, LogLevel.Warning, "Worker {Worker}: a redrive was rolled back; again in {Pause:0.0} s")]
    private static partial void LogFailed(ILogger logger, Exception exception, string worker, double pause);
}
