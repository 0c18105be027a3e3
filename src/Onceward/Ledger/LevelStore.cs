using Npgsql;
using Onceward.Diagnostics;

namespace Onceward.Ledger;

/// <summary>Counts what stands still.</summary>
internal static class LevelStore
{
    /// <summary>The levels of each subscription.</summary>
    public static async Task<Dictionary<int, Levels>> ReadAsync(NpgsqlDataSource database, IReadOnlyCollection<int> subscriptions, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(Count);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. subscriptions] });
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        var levels = new Dictionary<int, Levels>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            levels[reader.GetInt32(0)] = new Levels(reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3));
        return levels;
    }

    // Bounded by RetryOptions.Caps and by the partitions.
    private const string Count = """
        SELECT s.id,
               (SELECT count(*) FROM onceward.parked_key k WHERE k.subscription_id = s.id),
               (SELECT count(*) FROM onceward.parked_record r WHERE r.subscription_id = s.id),
               (SELECT count(*) FROM onceward.consumer_offset o WHERE o.subscription_id = s.id AND o.state = 'stopped')
          FROM unnest($1) AS s (id)
        """;
}
