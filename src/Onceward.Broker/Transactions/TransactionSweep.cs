using Microsoft.Extensions.Logging;

namespace Onceward.Broker.Transactions;

/// <summary>What time does to transactions: aborts those whose time is over, finishes what a broken disk held up, forgets ids, keeps the log short.</summary>
/// <remarks>One timer for all ids. A round takes each id's turn like a request, one id after another; rounds do not overlap.</remarks>
internal sealed partial class TransactionSweep : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1); // Kafka looks every 10 s; a test should not wait that long.

    private readonly TransactionCoordinator coordinator;
    private readonly BrokerOptions options;
    private readonly TimeProvider clock;
    private readonly TransactionalIds ids;
    private readonly TransactionLog log;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stopping = new();
    private readonly ITimer timer;
    private Task round = Task.CompletedTask;
    private int busy;
    private long housekept;

    public TransactionSweep(TransactionCoordinator coordinator, BrokerOptions options, TransactionalIds ids, TransactionLog log, ILogger logger)
    {
        (this.coordinator, this.options, this.ids, this.log, this.logger) = (coordinator, options, ids, log, logger);
        clock = options.TimeProvider;
        housekept = clock.GetTimestamp();
        timer = clock.CreateTimer(static sweep => ((TransactionSweep)sweep!).Tick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Start() => timer.Change(Period, Period);

    public async ValueTask DisposeAsync()
    {
        await timer.DisposeAsync().ConfigureAwait(false);
        await stopping.CancelAsync().ConfigureAwait(false);
        await Volatile.Read(ref round).ConfigureAwait(false);
        stopping.Dispose();
    }

    private void Tick()
    {
        if (Interlocked.Exchange(ref busy, 1) == 0)
            Volatile.Write(ref round, RoundAsync());
    }

    private async Task RoundAsync()
    {
        try
        {
            foreach (var id in ids.All)
                await LookAtAsync(id).ConfigureAwait(false);
            if (clock.GetElapsedTime(housekept) >= options.HousekeepingInterval)
                await HousekeepAsync().ConfigureAwait(false);
            if (log.IsWorthRewriting(ids.Count))
                await RewriteAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The next start goes on.
        }
        catch (Exception e) // A loop's boundary: the next round tries again.
        {
            RoundFailed(logger, e);
        }
        finally
        {
            Volatile.Write(ref busy, 0);
        }
    }

    private async ValueTask LookAtAsync(TransactionalId id)
    {
        if (!IsDue(id))
            return;
        using var turn = await ids.EnterAsync(id.Name, create: false, stopping.Token).ConfigureAwait(false);
        if (turn is null || !IsDue(turn.Id))
            return;
        if (turn.Id.State is { IsOngoing: true } open)
            await coordinator.AbortAsync(turn.Id, open).ConfigureAwait(false);
        else
            await coordinator.FinishAsync(turn.Id).ConfigureAwait(false);
    }

    private bool IsDue(TransactionalId id) => id.State is { } state
        && (state.IsPrepared || (state.IsOngoing && clock.GetElapsedTime(id.Began).TotalMilliseconds > state.TimeoutMs));

    private async ValueTask HousekeepAsync()
    {
        housekept = clock.GetTimestamp();
        var unusedSince = (clock.GetUtcNow() - options.TransactionalIdExpiration).ToUnixTimeMilliseconds();
        foreach (var id in ids.All)
        {
            if (id.State?.IsExpired(unusedSince) != true)
                continue;
            using var turn = await ids.EnterAsync(id.Name, create: false, stopping.Token).ConfigureAwait(false);
            if (turn?.Id.State?.IsExpired(unusedSince) == true)
                await coordinator.StoreAsync(turn.Id, null).ConfigureAwait(false);
        }
    }

    /// <summary>Every id's state is appended behind the present end, in its turn, so that the last record of each is still its state.</summary>
    private async ValueTask RewriteAsync()
    {
        var end = log.End;
        foreach (var id in ids.All)
        {
            using var turn = await ids.EnterAsync(id.Name, create: false, stopping.Token).ConfigureAwait(false);
            if (turn?.Id.State is { } state && await coordinator.StoreAsync(turn.Id, state).ConfigureAwait(false) != Protocol.ErrorCode.None)
                return;
        }
        await log.TruncateAsync(end).ConfigureAwait(false);
        Rewritten(logger, ids.Count);
    }

    [LoggerMessage(EventIds.TransactionSweepFailed, LogLevel.Error, "A look at the transactions' times failed; the next one tries again")]
    private static partial void RoundFailed(ILogger logger, Exception exception);

    [LoggerMessage(EventIds.TransactionLogRewritten, LogLevel.Debug, "Wrote the state of {Count} transactional ids anew and dropped what led to it")]
    private static partial void Rewritten(ILogger logger, int count);
}
