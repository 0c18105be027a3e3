using Npgsql;

namespace Onceward.Lanes;

/// <summary>The one connection of a lane: opened when needed, kept, thrown away after any doubt.</summary>
internal sealed class LaneConnection(NpgsqlDataSource database, LaneOptions options) : IAsyncDisposable
{
    private NpgsqlConnection? _connection;

    public async ValueTask<NpgsqlConnection> GetAsync(CancellationToken cancellationToken)
    {
        if (_connection is { State: System.Data.ConnectionState.Open })
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

    public async ValueTask DiscardAsync()
    {
        if (_connection is not { } connection)
            return;
        _connection = null;
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
