using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Onceward.Diagnostics;
using Onceward.Handling;
using Onceward.Ledger;

namespace Onceward.Lanes;

/// <summary>One attempt at a batch: handlers, then writes, outbox and offsets in one round trip, then COMMIT.</summary>
/// <remarks>
/// <para><b>Guarantee:</b> the effects of the records of every segment are committed together with the move of its offset row from
/// <see cref="Segment.From"/> to <see cref="Segment.Until"/>, or nothing is. Model: <c>Handle</c>, <c>Commit</c>, <c>Fenced</c>, <c>Break</c>.</para>
/// <para><b>Crash:</b> at any point before COMMIT reaches the server, nothing has happened; after it, the rows say so.</para>
/// <para><b>Lock order:</b> the handler's effects, then the offset rows, which are held for the length of a COMMIT.</para>
/// </remarks>
internal sealed class BatchTransaction(
    LaneConnection lane, IServiceScopeFactory services, Publishing publishing, RecordIsolation isolation, Waypoints waypoints)
{
    /// <summary>Tries once.</summary>
    /// <param name="segments">At least one; isolation may shorten them.</param>
    /// <param name="isolate">Whether to find the records at fault with savepoints, after an attempt without them failed.</param>
    /// <param name="cancellationToken">Rolls back.</param>
    /// <exception cref="CommitUnknownException">COMMIT was sent; nobody knows.</exception>
    public async Task<BatchOutcome> RunAsync(List<Segment> segments, bool isolate, CancellationToken cancellationToken)
    {
        var connection = await lane.GetAsync(cancellationToken).ConfigureAwait(false);
        // READ COMMITTED is what the compare-and-swap is proven for; a server's other default must not change it.
        var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.ReadCommitted, cancellationToken).ConfigureAwait(false);
        await using var _ = transaction.ConfigureAwait(false);
        var serviceScope = services.CreateAsyncScope();
        var scope = new BatchScope(connection, transaction, serviceScope.ServiceProvider, publishing);
        // Closed before anything is committed: a handler's dependency that fails to close is a failure of the handler.
        await using (serviceScope.ConfigureAwait(false))
            foreach (var run in segments.GroupBy(s => s.Claim.Subscription).ToArray())
            {
                scope.Subscription = run.Key;
                if (isolate)
                    await isolation.ApplyAsync(run.Key, [.. run], scope, cancellationToken).ConfigureAwait(false);
                else if (RecordsOf(run) is { Length: > 0 } records)
                    await run.Key.ApplyAsync(records, scope, cancellationToken).ConfigureAwait(false);
            }
        await waypoints.ReachAsync(Waypoint.EffectsApplied).ConfigureAwait(false);

        var moving = segments.FindAll(s => !s.IsDone);
        var moved = await WriteAsync(scope, moving, cancellationToken).ConfigureAwait(false);
        var missed = moving.FindAll(s => !moved.Contains(s.Key));
        if (missed.Count > 0)
        {
            await transaction.RollbackAsync(cancellationToken).ConfigureAwait(false);
            return new BatchOutcome(missed, 0, scope);
        }
        await waypoints.ReachAsync(Waypoint.Swapped).ConfigureAwait(false);
        await CommitAsync(transaction, cancellationToken).ConfigureAwait(false);
        await waypoints.ReachAsync(Waypoint.Committed).ConfigureAwait(false);
        return new BatchOutcome([], moving.Sum(s => s.Records.Count), scope);
    }

    private static async Task<HashSet<PartitionKey>> WriteAsync(BatchScope scope, List<Segment> segments, CancellationToken cancellationToken)
    {
        var moved = new HashSet<PartitionKey>(segments.Count);
        if (segments.Count == 0)
            return moved;
        var batch = new NpgsqlBatch(scope.Connection, scope.Transaction);
        await using var _ = batch.ConfigureAwait(false);
        foreach (var command in scope.Staged)
            batch.BatchCommands.Add(command);
        foreach (var letter in scope.DeadLetters)
            batch.BatchCommands.Add(DeadLetterStore.Insert(letter));
        batch.BatchCommands.Add(OffsetStore.Swap(segments, scope.Messages));
        // Statements that the connection knows already cost nothing here; the others are parsed once in its life.
        await batch.PrepareAsync(cancellationToken).ConfigureAwait(false);
        var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        // Only statements that return columns have a result set, and a staged one may: the swap's is the last.
        for (var more = true; more; more = await reader.NextResultAsync(cancellationToken).ConfigureAwait(false))
        {
            moved.Clear();
            while (reader.FieldCount == 2 && await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                if (reader.GetFieldType(0) == typeof(int) && reader.GetFieldType(1) == typeof(int))
                    moved.Add(new PartitionKey(reader.GetInt32(0), reader.GetInt32(1)));
        }
        return moved;
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

    private static Record[] RecordsOf(IEnumerable<Segment> segments) => [.. segments.SelectMany(s => s.Records)];
}

/// <summary>How an attempt ended.</summary>
/// <param name="Missed">Segments whose rows were not where we believed; if there are any, nothing was committed.</param>
/// <param name="Records">Records committed.</param>
/// <param name="Scope">What the attempt wrote.</param>
internal sealed record BatchOutcome(IReadOnlyList<Segment> Missed, int Records, BatchScope Scope);
