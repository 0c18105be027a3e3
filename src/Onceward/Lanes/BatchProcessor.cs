using Microsoft.Extensions.Logging;
using Npgsql;
using Onceward.Diagnostics;
using Onceward.Handling;
using Onceward.Intake;
using Onceward.Ledger;
using Onceward.Outbox;

namespace Onceward.Lanes;

/// <summary>Brings a batch to its end: committed, or known to belong to someone else.</summary>
/// <remarks>
/// <para><b>Guarantee:</b> records are given up only when the ledger's row shows that another claim owns their partition.</para>
/// <para><b>Errors:</b> a record at fault turns isolation on; infrastructure's errors are waited out, for ever and visibly; an unknown COMMIT
/// is looked up, and where even that fails, the next attempt's compare-and-swap decides.</para>
/// </remarks>
internal sealed partial class BatchProcessor(
    string worker, BatchTransaction transaction, LaneConnection connection, NpgsqlDataSource database, OutboxSignal outbox, Suspects suspects,
    Action<Claim> fenced, TimeProvider time, Random random, ILogger<BatchProcessor> logger)
{
    // A database that restarts is back in seconds; a longer pause would only add to the lag.
    private static readonly Backoff s_infrastructure = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5));

    // Some twenty seconds. By then a person should know, and so it is said again from time to time: the database may not have been there to be told.
    private const int FailuresPerNote = 10;

    public async Task ProcessAsync(List<Segment> segments, CancellationToken cancellationToken)
    {
        try
        {
            await ProcessToTheEndAsync(segments, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            suspects.Clear();
        }
    }

    private async Task ProcessToTheEndAsync(List<Segment> segments, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var isolate = segments.Exists(s => s.Claim.Failure is not null);
        var failures = 0;
        var blocked = new HashSet<Claim>();
        while (true)
        {
            segments.RemoveAll(s => s.Claim.HasEnded || s.IsDone);
            if (segments.Count == 0)
            {
                // A COMMIT whose answer was lost had gone through.
                await NoteBlocksAsync([], [.. blocked.Where(c => !c.HasEnded)], cancellationToken).ConfigureAwait(false);
                return;
            }
            try
            {
                var outcome = await transaction.RunAsync(segments, isolate, cancellationToken).ConfigureAwait(false);
                if (outcome.MustLook && outcome.Missed.Count == 0)
                    continue;
                if (outcome.Missed.Count == 0)
                {
                    var freed = Advance(segments, outcome, started);
                    freed.AddRange(blocked.Where(c => !c.HasEnded && c.Failure is null).Except(freed));
                    await NoteBlocksAsync(segments, freed, cancellationToken).ConfigureAwait(false);
                    return;
                }
                await ReconcileAsync(outcome.Missed, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (!isolate && Failure.IsOfRecord(e))
            {
                LogIsolating(logger, e, worker, segments.Sum(s => s.Records.Count));
                isolate = true;
            }
            catch (ConnectionSpoiledException e)
            {
                await connection.AbandonAsync(e.Handler).ConfigureAwait(false);
                LogIsolating(logger, e, worker, segments.Sum(s => s.Records.Count));
                isolate = true;
            }
            catch (TransactionEndedException e)
            {
                await connection.DiscardAsync().ConfigureAwait(false);
                await StopAsync(segments, e, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                await connection.DiscardAsync().ConfigureAwait(false);
                throw;
            }
            // The loop boundary: whatever it is, the batch is neither lost nor skipped.
            catch (Exception e)
            {
                await connection.DiscardAsync().ConfigureAwait(false);
                if (e is CommitUnknownException)
                    await TryResolveAsync(segments, e, cancellationToken).ConfigureAwait(false);
                var pause = s_infrastructure.After(++failures, random);
                OncewardMetrics.BatchRetried(worker);
                LogRetrying(logger, e, worker, failures, pause.TotalSeconds);
                if (Failure.IsLockWait(e))
                    await EndHalfSentAsync(cancellationToken).ConfigureAwait(false);
                if (failures % FailuresPerNote == 0)
                    await NoteRetriesAsync(segments, blocked, e, cancellationToken).ConfigureAwait(false);
                await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Nobody may apply these records again before a person has looked, so this is tried until the ledger has it.</summary>
    private async Task StopAsync(List<Segment> segments, TransactionEndedException ended, CancellationToken cancellationToken)
    {
        LogTransactionEnded(logger, ended, worker, string.Join(", ", segments.Select(s => $"{s.Claim.Partition}@{s.From}")));
        var detail = IncidentDetail.Of(("reason", ended.Message));
        for (var failures = 1; ; failures++)
        {
            try
            {
                await StopStore.StopAsync(database, segments, detail, cancellationToken).ConfigureAwait(false);
                foreach (var segment in segments)
                    fenced(segment.Claim);
                return;
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
            {
                var pause = s_infrastructure.After(failures, random);
                LogRetrying(logger, e, worker, failures, pause.TotalSeconds);
                await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Tells the ledger's reader which partitions block, and which have gone on. The batch is committed; its log has said the same.</summary>
    private Task NoteBlocksAsync(List<Segment> segments, List<Claim> freed, CancellationToken cancellationToken) => TryAsync(async incidents =>
    {
        foreach (var claim in freed)
            await incidents.ResolveAsync(IncidentStore.PartitionBlocked, claim.Key, "the partition went on", cancellationToken).ConfigureAwait(false);
        foreach (var claim in segments.Select(s => s.Claim))
            if (claim.Failure is { Attempts: 1 } failure)
                await incidents.NoteAsync(
                    IncidentStore.PartitionBlocked, claim.Key, failure.Offset, IncidentDetail.Of(("reason", failure.Because)), cancellationToken).ConfigureAwait(false);
    });

    /// <summary>Tells the ledger's reader that a batch is tried again and again: no record of it can be blamed, and none is passed over.</summary>
    private Task NoteRetriesAsync(List<Segment> segments, HashSet<Claim> blocked, Exception failure, CancellationToken cancellationToken) => TryAsync(async incidents =>
    {
        blocked.UnionWith(segments.Select(s => s.Claim));
        var detail = IncidentDetail.Of(
            ("reason", "the transaction fails again and again, and not by the fault of a record that could be set aside"),
            ("error", Text.Storable($"{failure.GetType().Name}: {failure.Message}")));
        foreach (var segment in segments)
            await incidents.NoteAsync(IncidentStore.PartitionBlocked, segment.Key, segment.From, detail, cancellationToken).ConfigureAwait(false);
    });

    /// <summary>Another transaction has held what this batch wants for longer than it may take. It may be one that nobody will end.</summary>
    private Task EndHalfSentAsync(CancellationToken cancellationToken) => TryAsync(async incidents =>
    {
        var ended = await new FrozenOwner(database, incidents).EndHalfSentAsync(connection.LongestSilence, cancellationToken).ConfigureAwait(false);
        if (ended > 0)
            LogEnded(logger, worker, ended);
    });

    /// <summary>What helps a person, or the next attempt, and may fail with the database: no batch waits for it.</summary>
    private async Task TryAsync(Func<IncidentStore, Task> work)
    {
        try
        {
            await work(new IncidentStore(database)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
        {
            LogNotNoted(logger, e, worker);
        }
    }

    private List<Claim> Advance(List<Segment> segments, BatchOutcome outcome, long started)
    {
        var freed = new List<Claim>();
        foreach (var segment in segments)
        {
            var claim = segment.Claim;
            claim.Position = segment.Until;
            if (claim.Failure is not { } failure || failure.Offset >= segment.Until)
                continue;
            claim.Failure = null;
            freed.Add(claim);
        }
        var elapsed = time.GetElapsedTime(started).TotalSeconds;
        OncewardMetrics.BatchCommitted(worker, elapsed, outcome.Records, outcome.Scope.Repetitions, outcome.Scope.DeadLetters.Count, outcome.Scope.Parking.Records.Count);
        LogCommitted(logger, worker, outcome.Records, segments.Count, elapsed);
        if (outcome.Scope.Messages.Count > 0)
            outbox.Notify();
        return freed;
    }

    private async Task TryResolveAsync(List<Segment> segments, Exception unknown, CancellationToken cancellationToken)
    {
        OncewardMetrics.CommitUnknown(worker);
        LogUnknown(logger, unknown, worker);
        try
        {
            await ReconcileAsync(segments, cancellationToken).ConfigureAwait(false);
        }
        // The database is not there to be asked. Redoing the batch is safe: its compare-and-swap asks the same question.
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
        {
            LogRetrying(logger, e, worker, 0, 0);
        }
    }

    /// <summary>
    /// Asks the ledger where it stands. Under our epoch only we can have moved the row, by a COMMIT whose answer was lost: go on from there.
    /// Under another, the partition is somebody else's.
    /// </summary>
    private async Task ReconcileAsync(IReadOnlyList<Segment> segments, CancellationToken cancellationToken)
    {
        var rows = await OffsetStore.ReadAsync(database, [.. segments.Select(s => s.Key)], cancellationToken).ConfigureAwait(false);
        foreach (var segment in segments)
        {
            if (rows.TryGetValue(segment.Key, out var row) && row.Epoch == segment.Claim.Epoch && row.IsRunning && row.NextOffset >= segment.From)
            {
                segment.Rebase(row.NextOffset);
                continue;
            }
            OncewardMetrics.Fenced(worker);
            LogFenced(logger, worker, segment.Claim.Partition.ToString(), segment.Claim.Epoch, row.Epoch);
            fenced(segment.Claim);
        }
    }

    [LoggerMessage(EventIds.BatchCommitted, LogLevel.Debug, "Worker {Worker} committed {Records} records of {Partitions} partitions in {Seconds:0.000} s")]
    private static partial void LogCommitted(ILogger logger, string worker, int records, int partitions, double seconds);

    [LoggerMessage(EventIds.BatchIsolated, LogLevel.Warning, "Worker {Worker}: a batch of {Records} records failed; looking for the ones at fault")]
    private static partial void LogIsolating(ILogger logger, Exception exception, string worker, int records);

    [LoggerMessage(EventIds.BlockNotNoted, LogLevel.Warning, "Worker {Worker} could not note in the ledger that a partition blocks or goes on, or look for who keeps it waiting")]
    private static partial void LogNotNoted(ILogger logger, Exception exception, string worker);

    [LoggerMessage(EventIds.FrozenSessionEnded, LogLevel.Warning, "Worker {Worker} ended {Sessions} sessions that had stopped in the middle of a statement, with a transaction open, while a batch waited for locks")]
    private static partial void LogEnded(ILogger logger, string worker, int sessions);

    [LoggerMessage(EventIds.TransactionEnded, LogLevel.Critical, "Worker {Worker}: a handler ended the transaction that it was lent. {Positions} are stopped; see onceward.incident")]
    private static partial void LogTransactionEnded(ILogger logger, Exception exception, string worker, string positions);

    [LoggerMessage(EventIds.BatchRetried, LogLevel.Warning, "Worker {Worker} rolled a batch back, failure {Failures}; again in {Pause:0.00} s")]
    private static partial void LogRetrying(ILogger logger, Exception exception, string worker, int failures, double pause);

    [LoggerMessage(EventIds.CommitUnknown, LogLevel.Warning, "Worker {Worker} does not know whether a COMMIT went through; asking the ledger")]
    private static partial void LogUnknown(ILogger logger, Exception exception, string worker);

    [LoggerMessage(EventIds.PartitionFenced, LogLevel.Warning, "Worker {Worker} is fenced from {Partition}: its epoch is {Epoch}, the ledger's {LedgerEpoch}")]
    private static partial void LogFenced(ILogger logger, string worker, string partition, Epoch epoch, Epoch ledgerEpoch);
}
