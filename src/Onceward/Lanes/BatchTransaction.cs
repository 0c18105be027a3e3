using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Onceward.Diagnostics;
using Onceward.Handling;
using Onceward.Ledger;

namespace Onceward.Lanes;

/// <summary>One attempt at a batch: parked keys, handlers, then writes, outbox and offsets in one round trip, then COMMIT.</summary>
/// <remarks>
/// <para><b>Guarantee:</b> every record of every segment is applied, parked or a dead letter, together with the move of its offset row from
/// <see cref="Segment.From"/> to <see cref="Segment.Until"/>, or nothing is. Model: <c>Handle</c>, <c>Commit</c>, <c>Fenced</c>, <c>Break</c>.</para>
/// <para><b>Crash:</b> at any point before COMMIT reaches the server, nothing has happened; after it, the rows say so.</para>
/// <para><b>Lock order:</b> parked keys, sorted; the handler's effects; the offset rows, which are held for the length of a COMMIT.</para>
/// </remarks>
internal sealed class BatchTransaction(
    LaneConnection lane, IServiceScopeFactory services, Publishing publishing, Diversion diversion, RecordIsolation isolation,
    HandlerCall call, Waypoints waypoints)
{
    /// <summary>Tries once.</summary>
    /// <param name="segments">At least one; they are shortened where a partition blocks.</param>
    /// <param name="isolate">Whether to find the records at fault with savepoints, after an attempt without them failed.</param>
    /// <param name="cancellationToken">Rolls back.</param>
    /// <exception cref="CommitUnknownException">COMMIT was sent; nobody knows.</exception>
    public async Task<BatchOutcome> RunAsync(List<Segment> segments, bool isolate, CancellationToken cancellationToken)
    {
        await waypoints.ReachAsync(Waypoint.Polled).ConfigureAwait(false);
        var (transaction, bounds) = await lane.BeginAsync(cancellationToken).ConfigureAwait(false);
        var isSpoiled = false;
        try
        {
            return await RunAsync(transaction, bounds, segments, isolate, cancellationToken).ConfigureAwait(false);
        }
        catch (ConnectionSpoiledException)
        {
            // A handler may still be using it: it goes with its connection.
            isSpoiled = true;
            throw;
        }
        finally
        {
            if (!isSpoiled)
                await transaction.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<BatchOutcome> RunAsync(
        NpgsqlTransaction transaction, TransactionBounds bounds, List<Segment> segments, bool isolate, CancellationToken cancellationToken)
    {
        var serviceScope = services.CreateAsyncScope();
        var scope = new BatchScope(transaction.Connection!, transaction, bounds, serviceScope.ServiceProvider, publishing);
        var look = LookUp.None;
        // Closed before anything is committed: a handler's dependency that fails to close is a failure of the handler.
        await using (serviceScope.ConfigureAwait(false))
        {
            // Who isolates may park, and must know how much room there is.
            if (isolate || segments.Exists(s => s.Claim.MayHaveParkedKeys))
                look = await HoldKeysAsync(segments, scope, cancellationToken).ConfigureAwait(false);
            await ApplyAsync(segments, scope, isolate, cancellationToken).ConfigureAwait(false);
        }
        await waypoints.ReachAsync(Waypoint.EffectsApplied).ConfigureAwait(false);

        var moving = segments.FindAll(s => !s.IsDone);
        var (moved, unseen) = await WriteAsync(scope, moving, look, cancellationToken).ConfigureAwait(false);
        var missed = moving.FindAll(s => !moved.Contains(s.Key));
        if (missed.Count > 0 || unseen.Count > 0)
        {
            await transaction.RollbackAsync(cancellationToken).ConfigureAwait(false);
            foreach (var segment in segments.Where(s => unseen.Contains(s.Key.Subscription)))
                segment.Claim.MayHaveParkedKeys = true;
            return new BatchOutcome(missed, 0, scope) { MustLook = unseen.Count > 0 };
        }
        await MarkAsync(scope, segments).ConfigureAwait(false);
        await CommitAsync(transaction, cancellationToken).ConfigureAwait(false);
        foreach (var segment in moving)
        {
            if (look.Occupied is { } occupied && scope.Parking.Records.Count == 0)
                segment.Claim.MayHaveParkedKeys = occupied.Contains(segment.Key.Subscription);
            if (!isolate)
                diversion.Succeeded(segment.Claim.Subscription, segment.Records.Count);
        }
        await waypoints.ReachAsync(Waypoint.Committed).ConfigureAwait(false);
        return new BatchOutcome([], moving.Sum(s => s.Records.Count), scope);
    }

    private static async Task<LookUp> HoldKeysAsync(List<Segment> segments, BatchScope scope, CancellationToken cancellationToken)
    {
        var subscriptions = segments.Select(s => s.Claim.Subscription).Distinct().ToArray();
        var keys = segments.SelectMany(s => s.Records.Select(r => (s.Key.Subscription, KeyId.Of(r)))).ToHashSet();
        return new LookUp(keys, await ParkedStore.HoldAsync(scope.Transaction, scope.Bounds, subscriptions, keys, scope.Parking, cancellationToken).ConfigureAwait(false));
    }

    private async Task ApplyAsync(List<Segment> segments, BatchScope scope, bool isolate, CancellationToken cancellationToken)
    {
        foreach (var group in segments.GroupBy(s => s.Claim.Subscription).ToArray())
        {
            var run = new Run(group.Key, [.. group], scope);
            scope.Subscription = group.Key;
            if (isolate)
                await isolation.ApplyAsync(run, run.Records(), cancellationToken).ConfigureAwait(false);
            else if (diversion.Admit(run, run.Records()) is { Length: > 0 } records)
                await call.ApplyAsync(group.Key, records, scope, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Writes everything and moves the offsets.</summary>
    /// <returns>The rows that were moved, and the subscriptions that have parked keys which the attempt does not know of.</returns>
    private async Task<(HashSet<PartitionKey> Moved, HashSet<int> Unseen)> WriteAsync(
        BatchScope scope, List<Segment> segments, LookUp look, CancellationToken cancellationToken)
    {
        var (moved, unseen) = (new HashSet<PartitionKey>(segments.Count), new HashSet<int>());
        if (segments.Count == 0)
            return (moved, unseen);
        var batch = new NpgsqlBatch(scope.Connection, scope.Transaction);
        await using var _ = batch.ConfigureAwait(false);
        scope.Bounds.AddTo(batch);
        // Who looked set a savepoint behind the look: if it is gone, a handler has put another transaction in the place of ours.
        if (look.Keys is not null)
            batch.BatchCommands.Add(new NpgsqlBatchCommand(ParkedStore.ReleaseAttempt));
        var newKeys = scope.Parking.NewKeys.Count > 0 ? ParkedStore.ParkKeys(scope.Parking.NewKeys) : null;
        foreach (var command in Writes(scope, newKeys))
            batch.BatchCommands.Add(command);
        batch.BatchCommands.Add(OffsetStore.Swap(segments, scope.Messages));
        // Behind the swap: whoever sends a dead letter back holds the offset row until its key is parked, and is seen here.
        batch.BatchCommands.Add(look.Keys is { } keys
            ? ParkedStore.FindParked(keys.Where(k => !scope.Parking.IsParked(k.Subscription, k.Key)).ToArray())
            : ParkedStore.FindOccupied([.. segments.Select(s => s.Key.Subscription).Distinct()]));
        // Statements that the connection knows already cost nothing here; the others are parsed once in its life.
        if (lane.HasSession)
            await batch.PrepareAsync(cancellationToken).ConfigureAwait(false);
        NpgsqlDataReader reader;
        try
        {
            reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException e) when (SavepointRunner.IsGone(e))
        {
            throw new TransactionEndedException(e);
        }
        await using var __ = reader.ConfigureAwait(false);
        // Only statements that return columns have a result set, and a staged one may: ours are the last.
        for (var more = true; more; more = await reader.NextResultAsync(cancellationToken).ConfigureAwait(false))
        {
            unseen.Clear();
            if (reader.FieldCount != 1)
                moved.Clear();
            while (reader.FieldCount is 1 or 2 && await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                if (reader.FieldCount == 1 && reader.GetFieldType(0) == typeof(int))
                    unseen.Add(reader.GetInt32(0));
                else if (reader.FieldCount == 2 && reader.GetFieldType(0) == typeof(int) && reader.GetFieldType(1) == typeof(int))
                    moved.Add(new PartitionKey(reader.GetInt32(0), reader.GetInt32(1)));
        }
        if (newKeys is not null && newKeys.RecordsAffected < scope.Parking.NewKeys.Count)
            unseen.UnionWith(scope.Parking.NewKeys.Select(k => k.Subscription.Id));
        return (moved, unseen);
    }

    private static IEnumerable<NpgsqlBatchCommand> Writes(BatchScope scope, NpgsqlBatchCommand? newKeys)
    {
        foreach (var staged in scope.Staged)
            yield return staged;
        if (newKeys is not null)
            yield return newKeys;
        if (scope.Parking.Records.Count > 0)
            yield return ParkedStore.ParkRecords(scope.Parking.Records);
        foreach (var held in scope.Parking.NewKeys.Where(k => k.IsHeld))
            yield return IncidentStore.KeyHeld(held.Subscription.Id, held.Head, held.Error);
        foreach (var letter in scope.DeadLetters)
            yield return DeadLetterStore.Insert(letter);
    }

    private async Task MarkAsync(BatchScope scope, List<Segment> segments)
    {
        if (scope.Parking.Records.Count > 0)
        {
            // Before COMMIT: should its answer be lost, the next batch looks.
            foreach (var segment in segments)
                segment.Claim.MayHaveParkedKeys = true;
            await waypoints.ReachAsync(Waypoint.Parked).ConfigureAwait(false);
        }
        await waypoints.ReachAsync(Waypoint.Swapped).ConfigureAwait(false);
    }

    private static async Task CommitAsync(NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        try
        {
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
        // From here on the server may have committed, unless it says that it did not; even a cancellation comes too late to know.
        catch (Exception e) when (e is not PostgresException postgres || !Failure.MeansRolledBack(postgres))
        {
            throw new CommitUnknownException(e);
        }
    }
}

/// <summary>What an attempt knows of parked keys: nothing, or which of its keys it looked up and which subscriptions have any.</summary>
internal readonly record struct LookUp(HashSet<(int Subscription, KeyId Key)>? Keys, HashSet<int>? Occupied)
{
    public static LookUp None => default;
}

/// <summary>How an attempt ended.</summary>
/// <param name="Missed">Segments whose rows were not where we believed; if there are any, nothing was committed.</param>
/// <param name="Records">Records committed.</param>
/// <param name="Scope">What the attempt wrote.</param>
internal sealed record BatchOutcome(IReadOnlyList<Segment> Missed, int Records, BatchScope Scope)
{
    /// <summary>Whether nothing was committed because there are parked keys, and the attempt did not know of them.</summary>
    public bool MustLook { get; init; }
}
