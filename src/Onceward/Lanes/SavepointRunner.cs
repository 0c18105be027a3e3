using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Onceward.Handling;

namespace Onceward.Lanes;

/// <summary>Applies records inside a savepoint, so that their failure leaves the rest of the transaction as it was.</summary>
internal sealed class SavepointRunner(IServiceScopeFactory services, HandlerCall call, Suspects suspects)
{
    /// <summary>Applies <paramref name="records"/> of one topic, or nothing of them.</summary>
    /// <returns>What failed, if it is the records' fault. Infrastructure's errors are thrown: the transaction is over then.</returns>
    public async Task<Exception?> TryApplyAsync(Subscription subscription, ReadOnlyMemory<Record> records, BatchScope scope, CancellationToken cancellationToken)
    {
        if (suspects.Find(records) is { } known)
            return known;
        var mark = scope.Mark();
        await ExecuteAsync(scope, "SAVEPOINT part", cancellationToken).ConfigureAwait(false);
        Exception failure;
        try
        {
            // A fresh scope for each part: what a handler remembers of rows that were rolled back must not reach the next one. It is closed
            // while the savepoint stands: should closing it fail, that is the part's fault too.
            var services_ = services.CreateAsyncScope();
            await using (services_.ConfigureAwait(false))
            {
                scope.Subscription = subscription;
                scope.Services = services_.ServiceProvider;
                await call.ApplyAsync(subscription, records, scope, cancellationToken).ConfigureAwait(false);
            }
            await ReleaseAsync(scope, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (Exception e) when (Failure.IsOfRecord(e))
        {
            failure = e;
        }
        await ExecuteAsync(scope, "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part", cancellationToken).ConfigureAwait(false);
        scope.RollBackTo(mark);
        return failure;
    }

    /// <summary>Sends what the part staged and ends its savepoint. A deferred constraint speaks now, while the part can still be undone.</summary>
    private static async Task ReleaseAsync(BatchScope scope, CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(scope.Connection, scope.Transaction);
        await using var _ = batch.ConfigureAwait(false);
        foreach (var command in scope.Staged)
            batch.BatchCommands.Add(command);
        // Rolled back behind the check, or the constraints would stay immediate for the handlers of later parts.
        foreach (var sql in (string[])["SAVEPOINT checked", "SET CONSTRAINTS ALL IMMEDIATE", "ROLLBACK TO SAVEPOINT checked", "RELEASE SAVEPOINT part"])
            batch.BatchCommands.Add(new NpgsqlBatchCommand(sql));
        try
        {
            await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException e) when (IsGone(e))
        {
            throw new TransactionEndedException(e);
        }
        scope.StagedWasSent();
    }

    private static async Task ExecuteAsync(BatchScope scope, string sql, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, scope.Connection, scope.Transaction);
        await using var _ = command.ConfigureAwait(false);
        try
        {
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException e) when (IsGone(e))
        {
            throw new TransactionEndedException(e);
        }
    }

    /// <summary>A savepoint that we set is not there: this is another transaction than the one we began, or none.</summary>
    public static bool IsGone(PostgresException exception) =>
        exception.SqlState is PostgresErrorCodes.InvalidSavepointSpecification or PostgresErrorCodes.NoActiveSqlTransaction;
}
