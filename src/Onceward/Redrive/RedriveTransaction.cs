using Microsoft.Extensions.Logging;
using Npgsql;
using Onceward.Diagnostics;
using Onceward.Handling;
using Onceward.Lanes;
using Onceward.Ledger;
using Onceward.Outbox;

namespace Onceward.Redrive;

/// <summary>Applies the parked records of one key again, in arrival order, until one fails.</summary>
/// <remarks>
/// <para><b>Guarantee:</b> the effects of a record are committed together with its leaving the ledger; a record is parked, applied or a dead letter,
/// never two of these. No offset moves: these records left Kafka when they were parked.</para>
/// <para><b>Order:</b> by arrival; the key's row is held to the end, so nothing of the key is applied or parked meanwhile.</para>
/// <para><b>Crash:</b> before COMMIT nothing has happened; whether a COMMIT without an answer went through, the next look at the ledger says.</para>
/// <para><b>Lock order:</b> that of a batch: the parked key, effects, offset rows. Model: <c>RedriveBegin</c>, <c>RedriveEnd</c>.</para>
/// </remarks>
internal sealed partial class RedriveTransaction(
    LaneConnection lane, NpgsqlDataSource database, IServiceProvider services, Publishing publishing, SavepointRunner runner, Suspects suspects,
    Burial burial, OutboxSignal outbox, Waypoints waypoints, TimeProvider time, Random random, ILogger<RedriveTransaction> logger)
{
    // Bounds how long a batch that meets the key waits for it.
    private const int MaxRecords = 100;

    private static readonly Backoff s_infrastructure = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5));

    /// <summary>Redrives a key, if one is due.</summary>
    /// <returns>Whether there was one.</returns>
    public async Task<bool> RunAsync(IReadOnlyDictionary<int, Subscription> subscriptions, CancellationToken cancellationToken)
    {
        var (transaction, bounds) = await lane.BeginAsync(cancellationToken).ConfigureAwait(false);
        DueKey? key = null;
        var isSpoiled = false;
        try
        {
            key = await RedriveStore.TakeDueAsync(transaction, bounds, [.. subscriptions.Keys], cancellationToken).ConfigureAwait(false);
            if (key is not null)
                await RedriveAsync(transaction, bounds, subscriptions[key.Subscription], key, cancellationToken).ConfigureAwait(false);
        }
        catch (ConnectionSpoiledException e)
        {
            // The next attempt knows whom to suspect, and fails at once.
            isSpoiled = true;
            await lane.AbandonAsync(e.Handler).ConfigureAwait(false);
        }
        catch (TransactionEndedException e) when (key is not null)
        {
            await lane.DiscardAsync().ConfigureAwait(false);
            await HoldAsync(key, e, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (key is not null && !cancellationToken.IsCancellationRequested)
        {
            // Infrastructure, or a handler that says so: no attempt of the record, but other keys must not wait for this one.
            await lane.DiscardAsync().ConfigureAwait(false);
            await PostponeAsync(key, e, cancellationToken).ConfigureAwait(false);
            throw;
        }
        finally
        {
            if (!isSpoiled)
                await transaction.DisposeAsync().ConfigureAwait(false);
        }
        return key is not null;
    }

    private async Task RedriveAsync(
        NpgsqlTransaction transaction, TransactionBounds bounds, Subscription subscription, DueKey key, CancellationToken cancellationToken)
    {
        var arrivals = await RedriveStore.ReadAsync(transaction, key, subscription.Topic, MaxRecords, cancellationToken).ConfigureAwait(false);
        var scope = new BatchScope(transaction.Connection!, transaction, bounds, services, publishing);
        var result = await ApplyAsync(subscription, key, arrivals, scope, cancellationToken).ConfigureAwait(false);
        await WriteAsync(scope, key, result, isEmptied: result.Gone == arrivals.Count && arrivals.Count < MaxRecords, subscription.Settings.Worker, cancellationToken)
            .ConfigureAwait(false);
        await waypoints.ReachAsync(Waypoint.Redriven).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        await waypoints.ReachAsync(Waypoint.RedriveCommitted).ConfigureAwait(false);
        foreach (var arrival in arrivals)
            suspects.Forget(arrival.Record);
        OncewardMetrics.Redriven(subscription.Settings.Worker, result.Applied.Count, result.Buried is null ? 0 : 1);
        LogRedriven(logger, subscription.Settings.Worker, result.Applied.Count, subscription.Topic, arrivals.Count - result.Gone);
        if (scope.Messages.Count > 0)
            outbox.Notify();
    }

    /// <summary>What the handler has done may be committed: nobody may do it again before a person has looked, so this is tried until the ledger has it.</summary>
    private async Task HoldAsync(DueKey key, TransactionEndedException ended, CancellationToken cancellationToken)
    {
        for (var failures = 1; ; failures++)
        {
            try
            {
                var hold = RedriveStore.Hold(database, key, ended);
                await using var _ = hold.ConfigureAwait(false);
                await hold.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
            {
                var pause = s_infrastructure.After(failures, random);
                LogNotHeld(logger, e, pause.TotalSeconds);
                await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task PostponeAsync(DueKey key, Exception failure, CancellationToken cancellationToken)
    {
        var postpone = RedriveStore.Postpone(database, key, failure);
        await using var _ = postpone.ConfigureAwait(false);
        await postpone.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        // Another transaction has held what this one wants for longer than it may take. It may be one that nobody will end.
        if (!Failure.IsLockWait(failure))
            return;
        var ended = await new FrozenOwner(database, new IncidentStore(database)).EndHalfSentAsync(lane.LongestSilence, cancellationToken).ConfigureAwait(false);
        if (ended > 0)
            LogEnded(logger, ended);
    }

    private async Task<Result> ApplyAsync(
        Subscription subscription, DueKey key, List<Arrival> arrivals, BatchScope scope, CancellationToken cancellationToken)
    {
        var applied = new List<Arrival>(arrivals.Count);
        foreach (var arrival in arrivals)
        {
            if (await runner.TryApplyAsync(subscription, new[] { arrival.Record }, scope, cancellationToken).ConfigureAwait(false) is { } failure)
                return Fail(subscription, key, applied, arrival, failure, scope);
            applied.Add(arrival);
        }
        return new Result(applied, null, new HeadState(0, TimeSpan.Zero, null));
    }

    private Result Fail(Subscription subscription, DueKey key, List<Arrival> applied, Arrival arrival, Exception failure, BatchScope scope)
    {
        var retry = subscription.Settings.Retry;
        var attempts = (applied.Count == 0 ? key.Attempts : 0) + 1;
        var record = arrival.Record;
        if (attempts < retry.MaxAttempts && !Failure.IsFinal(failure))
        {
            var pause = retry.Delays.After(attempts, random);
            LogRetried(logger, failure, subscription.Settings.Worker, record.TopicPartitionOffset.ToString(), attempts, retry.MaxAttempts, pause.TotalSeconds);
            return new Result(applied, null, new HeadState(attempts, pause, failure));
        }
        if (retry.HoldsKey)
        {
            LogHeld(logger, failure, subscription.Settings.Worker, record.TopicPartitionOffset.ToString(), attempts, Failure.ReasonOf(failure));
            return new Result(applied, null, new HeadState(attempts, null, failure)) { HeldAt = record };
        }
        // Sent back by a person and failed again: it is a dead letter already, and readers of the topic have seen it.
        if (arrival.DeadLetter is null)
            burial.Bury(scope, new DeadLetter(subscription, record, attempts, failure) { Arrival = arrival.Number });
        return new Result(applied, arrival, new HeadState(0, TimeSpan.Zero, failure));
    }

    private static async Task WriteAsync(
        BatchScope scope, DueKey key, Result result, bool isEmptied, string worker, CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(scope.Connection, scope.Transaction);
        await using var _ = batch.ConfigureAwait(false);
        Arrival[] gone = [.. result.Applied, .. result.Buried is { } buried ? [buried] : Array.Empty<Arrival>()];
        var remove = RedriveStore.Remove(key, gone);
        batch.BatchCommands.Add(remove);
        foreach (var letter in scope.DeadLetters)
            batch.BatchCommands.Add(DeadLetterStore.Insert(letter));
        if (result.Applied.Select(a => a.DeadLetter).OfType<long>().ToArray() is { Length: > 0 } applied)
            batch.BatchCommands.Add(RedriveStore.Resolve(applied, "applied", "applied", worker, null));
        if (result.Buried?.DeadLetter is { } again)
            batch.BatchCommands.Add(RedriveStore.Resolve([again], "open", "failed again", worker, result.Head.Error!.ToString()));
        if (result.HeldAt is { } head)
            batch.BatchCommands.Add(IncidentStore.KeyHeld(key.Subscription, head, result.Head.Error!));
        batch.BatchCommands.Add(isEmptied
            ? RedriveStore.Release(key) : RedriveStore.Keep(key, result.Applied.Count > 0 ? result.Applied[^1].Number : 0, result.Head));
        var queue = scope.Messages.Count > 0 ? RedriveStore.Queue(scope.Messages) : null;
        if (queue is not null)
            batch.BatchCommands.Add(queue);
        await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        if (remove.RecordsAffected != gone.Length || (queue is not null && queue.RecordsAffected != scope.Messages.Count))
            throw new OncewardException(
                ErrorCodes.Transient, "Parked records, or the offset rows of their partitions, are gone while their key was held: somebody changes the ledger by hand. The redrive is rolled back.", isTransient: true);
    }

    /// <summary>How far the key was brought.</summary>
    /// <param name="Applied">In order.</param>
    /// <param name="Buried">The record behind them that became a dead letter.</param>
    /// <param name="Head">The state of the record that is at the head now.</param>
    private sealed record Result(List<Arrival> Applied, Arrival? Buried, HeadState Head)
    {
        public Record? HeldAt { get; init; }

        public int Gone => Applied.Count + (Buried is null ? 0 : 1);
    }

    [LoggerMessage(EventIds.TransactionEnded, LogLevel.Critical, "A handler ended the transaction of a redrive, and the ledger could not be told yet to hold the key; again in {Pause:0.00} s")]
    private static partial void LogNotHeld(ILogger logger, Exception exception, double pause);

    [LoggerMessage(EventIds.FrozenSessionEnded, LogLevel.Warning, "A redrive ended {Sessions} sessions that had stopped in the middle of a statement, with a transaction open, while it waited for locks")]
    private static partial void LogEnded(ILogger logger, int sessions);

    [LoggerMessage(EventIds.KeyRedriven, LogLevel.Information, "Worker {Worker} applied {Applied} parked records of a key of {Topic}; {Left} are left")]
    private static partial void LogRedriven(ILogger logger, string worker, int applied, string topic, int left);

    [LoggerMessage(EventIds.RedriveRetried, LogLevel.Warning, "Worker {Worker} could not apply the parked {Record}: attempt {Attempt} of {MaxAttempts}, the next one in {Pause:0.0} s")]
    private static partial void LogRetried(ILogger logger, Exception exception, string worker, string record, int attempt, int maxAttempts, double pause);

    [LoggerMessage(EventIds.KeyHeld, LogLevel.Error, "Worker {Worker} holds the key of {Record} after {Attempts} attempts until a person decides: {Reason}. See `onceward parked`")]
    private static partial void LogHeld(ILogger logger, Exception exception, string worker, string record, int attempts, string reason);
}
