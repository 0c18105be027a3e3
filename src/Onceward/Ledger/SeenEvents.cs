using Npgsql;

namespace Onceward.Ledger;

/// <summary>Forgets event ids that no client will repeat any more.</summary>
/// <remarks>
/// <b>Concurrency:</b> any number of processes may prune: rows that another one holds are passed over. A small batch at a time, so that a repetition
/// that meets a row being deleted waits for milliseconds.
/// </remarks>
internal static class SeenEvents
{
    /// <summary>Deletes up to <paramref name="limit"/> ids of these subscriptions that are older than <paramref name="age"/>. Returns how many.</summary>
    public static async Task<int> PruneAsync(NpgsqlDataSource database, int[] subscriptions, TimeSpan age, int limit, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(Prune);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = subscriptions });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = age });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private const string Prune = """
        DELETE FROM onceward.seen_event WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM onceward.seen_event WHERE at < now() - $2 AND scope = ANY ($1) LIMIT $3 FOR UPDATE SKIP LOCKED))
        """;
}
