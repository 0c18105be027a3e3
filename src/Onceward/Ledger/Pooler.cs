using Npgsql;

namespace Onceward.Ledger;

/// <summary>Whether something between us and the server may give each transaction another session.</summary>
internal static class Pooler
{
    /// <summary>
    /// Whether a connection is the server's own session. The server names its process when a connection begins; a pooler must name something else
    /// there, for it is what a statement is cancelled by.
    /// </summary>
    public static async ValueTask<bool> IsAbsentAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand("SELECT pg_backend_pid()", connection);
        await using var _ = command.ConfigureAwait(false);
        return (int)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))! == connection.ProcessID;
    }
}
