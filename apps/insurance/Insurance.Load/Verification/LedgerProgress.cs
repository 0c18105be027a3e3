using Npgsql;

namespace Insurance.Load.Verification;

/// <summary>Where a worker stands on a partition.</summary>
internal readonly record struct WorkerPosition(string Worker, string Topic, int Partition, long NextOffset);

/// <summary>How far the ledger says that the workers are. Reads only.</summary>
internal sealed class LedgerProgress(NpgsqlConnection connection)
{
    // A topic that was created again has a subscription of its own; the older one moves no more.
    private const string Current = """
        WITH current AS (
            SELECT DISTINCT ON (worker, topic) id, worker, topic FROM onceward.subscription
             WHERE worker = ANY ($1) AND topic = ANY ($2) ORDER BY worker, topic, id DESC)
        """;

    private const string Positions = Current + """
        SELECT c.worker, c.topic, coalesce(o.partition, -1), coalesce(o.next_offset, 0)
          FROM current c LEFT JOIN onceward.consumer_offset o ON o.subscription_id = c.id
        """;

    // The last published row of each channel stays in the table, before relayed_seq.
    private const string Unrelayed = Current + """
        SELECT count(*) FROM onceward.outbox x JOIN onceward.outbox_channel h ON h.id = x.channel_id
         WHERE x.seq >= h.relayed_seq
           AND h.id IN (SELECT o.channel_id FROM onceward.consumer_offset o JOIN current c ON c.id = o.subscription_id)
        """;

    private const string Without = """
        SELECT (SELECT count(*) FROM pg_temp.journal j WHERE NOT EXISTS (SELECT FROM underwriting.decision d WHERE d.event_id = j.event_id)),
               (SELECT count(*) FROM pg_temp.journal j WHERE NOT EXISTS (SELECT FROM billing.contract_event e WHERE e.event_id = j.event_id)),
               (SELECT count(*) FROM pg_temp.journal j JOIN underwriting.decision d ON d.event_id = j.event_id AND d.outcome = 'accepted'
                 WHERE NOT EXISTS (SELECT FROM billing.entry b WHERE b.source_event_id = j.event_id))
        """;

    /// <summary>Whether there is a ledger at all; without one, only the rows can be waited for.</summary>
    public async Task<bool> ExistsAsync(CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT to_regclass('onceward.consumer_offset') IS NOT NULL", connection);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Every position; a subscription that has none yet is shown with partition -1.</summary>
    public async Task<List<WorkerPosition>> PositionsAsync(string[] workers, string[] topics, CancellationToken cancellationToken)
    {
        await using var command = With(Positions, workers, topics);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var positions = new List<WorkerPosition>();
        while (await reader.ReadAsync(cancellationToken))
            positions.Add(new WorkerPosition(reader.GetString(0), reader.GetString(1), reader.GetInt32(2), reader.GetInt64(3)));
        return positions;
    }

    /// <summary>Messages of these workers that wait in the outbox.</summary>
    public async Task<long> UnrelayedAsync(string[] workers, string[] topics, CancellationToken cancellationToken)
    {
        await using var command = With(Unrelayed, workers, topics);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Acknowledged events without a decision, without a contract event, and accepted ones without a booking.</summary>
    public async Task<(long Decisions, long ContractEvents, long Bookings)> MissingAsync(CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Without, connection) { CommandTimeout = 0 };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
    }

    private NpgsqlCommand With(string sql, string[] workers, string[] topics) => new(sql, connection)
    {
        CommandTimeout = 0,
        Parameters = { new NpgsqlParameter<string[]> { TypedValue = workers }, new NpgsqlParameter<string[]> { TypedValue = topics } },
    };
}
