using System.Data;
using Npgsql;
using Onceward.Ledger;

namespace Onceward.Lanes;

/// <summary>The one connection of a lane: opened when needed, kept, thrown away after any doubt.</summary>
internal sealed class LaneConnection(NpgsqlDataSource database, LaneOptions options) : IAsyncDisposable
{
    private NpgsqlConnection? _connection;

    /// <summary>
    /// Whether the session is ours as long as the connection, so that what is left in it is found again. Behind a pooler a prepared statement's name
    /// may be unknown to the next transaction's session, or mean another lane's statement there.
    /// </summary>
    public bool HasSession { get; private set; }

    /// <summary>How long an owner may be silent inside a transaction.</summary>
    public TimeSpan LongestSilence => options.IdleInTransactionTimeout;

    /// <summary>Begins a transaction. BEGIN travels with the first statement, and so should the bounds that it needs.</summary>
    public async ValueTask<(NpgsqlTransaction Transaction, TransactionBounds Bounds)> BeginAsync(CancellationToken cancellationToken)
    {
        var connection = await GetAsync(cancellationToken).ConfigureAwait(false);
        // READ COMMITTED is what the compare-and-swap is proven for, and what a redrive needs: what stands behind the head is read by a statement
        // that begins after the key's lock was got. A server's other default must not change it.
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken).ConfigureAwait(false);
        return (transaction, new TransactionBounds(transaction, options, areSet: HasSession));
    }

    private async ValueTask<NpgsqlConnection> GetAsync(CancellationToken cancellationToken)
    {
        if (_connection is { State: ConnectionState.Open })
            return _connection;
        await DiscardAsync().ConfigureAwait(false);
        var connection = await database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            HasSession = await Pooler.IsAbsentAsync(connection, cancellationToken).ConfigureAwait(false);
            if (HasSession)
                await TransactionBounds.SetAsync(connection, options, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        return _connection = connection;
    }

    /// <summary>
    /// Gives the connection up though a handler may still be using it: at once where no statement runs, which frees its locks, else when the
    /// handler lets go. Until then the server's own time limits bound what its transaction holds.
    /// </summary>
    public async ValueTask AbandonAsync(Task handler)
    {
        if (_connection is not { } connection)
            return;
        if (handler.IsCompleted || connection.FullState is ConnectionState.Open or ConnectionState.Closed or ConnectionState.Broken)
        {
            await DiscardAsync().ConfigureAwait(false);
            return;
        }
        _connection = null;
        _ = handler.ContinueWith(
            async (task, abandoned) =>
            {
                _ = task.Exception;
                await CloseAsync((NpgsqlConnection)abandoned!).ConfigureAwait(false);
            },
            connection, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    public async ValueTask DiscardAsync()
    {
        if (_connection is not { } connection)
            return;
        _connection = null;
        await CloseAsync(connection).ConfigureAwait(false);
    }

    private static async ValueTask CloseAsync(NpgsqlConnection connection)
    {
        try
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }
        // The connection is given up because something is wrong with it; that closing it fails too says nothing new.
        catch (Exception e) when (e is NpgsqlException or IOException or InvalidOperationException or ObjectDisposedException)
        {
        }
    }

    public ValueTask DisposeAsync() => DiscardAsync();
}
