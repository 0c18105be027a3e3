using Npgsql;
using NpgsqlTypes;
using Onceward.Lanes;

namespace Onceward.Ledger;

/// <summary>Stops partitions whose records nobody may apply again before a person has looked.</summary>
internal static class StopStore
{
    /// <summary>
    /// Marks the rows of these segments as stopped and bumps their epochs, if they are still ours, with an incident each, in one transaction.
    /// </summary>
    public static async Task StopAsync(NpgsqlDataSource database, IReadOnlyCollection<Segment> segments, string detailJson, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(Stop);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. segments.Select(s => s.Key.Subscription)] });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. segments.Select(s => s.Key.Partition)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. segments.Select(s => s.Claim.Epoch.Value)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. segments.Select(s => s.From)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. segments.Select(s => s.Until)] });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = IncidentStore.TransactionEnded });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = detailJson, NpgsqlDbType = NpgsqlDbType.Jsonb });
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private const string Stop = """
        WITH s AS (SELECT * FROM unnest($1, $2, $3, $4, $5) AS s (subscription_id, partition, epoch, from_offset, to_offset)),
        stopped AS (
            UPDATE onceward.consumer_offset o
               SET state = 'stopped', epoch = o.epoch + 1, updated_at = now()
              FROM s
             WHERE o.subscription_id = s.subscription_id AND o.partition = s.partition AND o.epoch = s.epoch
            RETURNING s.*)
        INSERT INTO onceward.incident (kind, subscription_id, partition, from_offset, to_offset, detail)
        SELECT $6, subscription_id, partition, from_offset, to_offset, $7 FROM stopped
        """;
}
