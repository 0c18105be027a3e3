using Npgsql;

namespace Insurance.Load.Verification;

/// <summary>Lost, duplicated, out of order, never acknowledged: one ledger against the journal.</summary>
internal static class EffectCheck
{
    public static async Task<LedgerFindings> RunAsync(NpgsqlConnection connection, LedgerQuery ledger, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection) { Timeout = 0 };
        foreach (var sql in (string[])["DROP TABLE IF EXISTS pg_temp.effect, pg_temp.expected", Effects(ledger), Expected(ledger), "ANALYZE pg_temp.effect", "ANALYZE pg_temp.expected", Totals])
            batch.BatchCommands.Add(new NpgsqlBatchCommand(sql));
        foreach (var sql in (string[])[Lost(ledger), Duplicated(ledger), OutOfOrder, Unacknowledged])
            batch.BatchCommands.Add(new NpgsqlBatchCommand(Count(sql)));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (expected, effects) = (reader.GetInt64(0), reader.GetInt64(1));
        var findings = new List<Finding>();
        while (await reader.NextResultAsync(cancellationToken))
            findings.Add(await ReadAsync(reader, cancellationToken));
        return new LedgerFindings(ledger.Name, expected, effects, findings[0], findings[1], findings[2], findings[3]);
    }

    /// <summary>How many rows a statement of event ids has, and the first few of them.</summary>
    public static string Count(string eventIds) =>
        $"SELECT count(*), coalesce((array_agg(f.shown))[1:{Finding.MaxExamples}], '{{}}')::text[] FROM ({eventIds}) AS f (shown)";

    public static async Task<Finding> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        await reader.ReadAsync(cancellationToken);
        return new Finding(reader.GetInt64(0), await reader.GetFieldValueAsync<string[]>(1, cancellationToken));
    }

    // One row for an event, its first effect: repetitions are counted, and then kept out of the order, or one mistake would count as two.
    private static string Effects(LedgerQuery ledger) => $"""
        CREATE TEMP TABLE effect AS
        SELECT event_id, rows, first[1] AS id, first[2] AS partition, first[3] AS "offset",
               split_part(event_id, '-', 1) || '-' || split_part(event_id, '-', 2) AS policy,
               CASE WHEN event_id ~ '^[^-]+-[0-9]+-[0-9]{"{1,9}"}$' THEN split_part(event_id, '-', 3)::int END AS seq
          FROM (SELECT event_id COLLATE "C", count(*), min(ARRAY[id, partition, "offset"])
                  FROM ({ledger.Rows}) AS t (id, event_id, partition, "offset") GROUP BY 1) AS r (event_id, rows, first)
        """;

    private static string Expected(LedgerQuery ledger) => $"CREATE TEMP TABLE expected AS {ledger.Expected}";

    private const string Totals = "SELECT (SELECT count(*) FROM pg_temp.expected), (SELECT count(*) FROM pg_temp.effect)";

    private static string Lost(LedgerQuery ledger) => $"""
        SELECT x.event_id FROM pg_temp.expected x LEFT JOIN pg_temp.effect e USING (event_id)
         WHERE e.event_id IS NULL OR e.rows < {ledger.RowsPerEffect}
        """;

    private static string Duplicated(LedgerQuery ledger) => $"SELECT event_id FROM pg_temp.effect WHERE rows > {ledger.RowsPerEffect}";

    private const string OutOfOrder = """
        SELECT event_id FROM (
            SELECT event_id,
                   seq <= lag(seq) OVER (PARTITION BY policy ORDER BY id) AS in_policy,
                   "offset" <= lag("offset") OVER (PARTITION BY partition ORDER BY id) AS in_partition
              FROM pg_temp.effect) AS o
         WHERE in_policy OR in_partition
        """;

    private const string Unacknowledged = """
        SELECT e.event_id FROM pg_temp.effect e WHERE NOT EXISTS (SELECT FROM pg_temp.journal j WHERE j.event_id = e.event_id)
        """;
}
