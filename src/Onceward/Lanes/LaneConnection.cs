using System.Data;
using Npgsql;

namespace Onceward.Lanes;

/// <summary>The one connection of a lane: opened when needed, kept, thrown away after any doubt.</summary>
internal sealed class LaneConnection(NpgsqlDataSource database, LaneOptions options) : IAsyncDisposable
{
    private NpgsqlConnection? _connection;

    public async ValueTask<NpgsqlConnection> GetAsync(CancellationToken cancellationToken)
    {
        if (_connection is { State: ConnectionState.Open })
            return _connection;
        await DiscardAsync().ConfigureAwait(false);
        var connection = await database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Bounds for a frozen owner's locks: its successor waits for the first two, the server ends the third.
            var settings = new NpgsqlCommand(
                $"SET statement_timeout = {Milliseconds(options.StatementTimeout)}; SET lock_timeout = {Milliseconds(options.LockTimeout)}; SET idle_in_transaction_session_timeout = {Milliseconds(options.IdleInTransactionTimeout)}",
                connection);
            await using (settings.ConfigureAwait(false))
                await settings.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
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

    private static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;
}
