using System.Data;
using Insurance.Load.Journal;
using Npgsql;
using NpgsqlTypes;

namespace Insurance.Load.Verification;

/// <summary>Compares journals with what the ledgers hold, by statements over whole sets.</summary>
/// <remarks>
/// Nothing is written but temporary tables of this connection. The comparison rests on no constraint: it counts rows, and
/// refuses to where a unique index would make a second effect fail before it could be counted.
/// </remarks>
internal sealed class LedgerComparison(NpgsqlConnection connection)
{
    /// <summary>A million events are sorted and hashed without spilling to disk.</summary>
    private const string Prepare = """
        SET work_mem = '256MB';
        SET statement_timeout = '10min';
        CREATE TEMP TABLE run (run text);
        CREATE TEMP TABLE journal (event_id text COLLATE "C", policy_id text COLLATE "C", partition int, "offset" bigint);
        CREATE TEMP TABLE premium (partition bigint, "offset" bigint, event_id text COLLATE "C", source_event_id text COLLATE "C", policy_id text COLLATE "C", amount_kopecks bigint);
        """;

    private const string Missing = """
        SELECT t FROM unnest($1) AS t WHERE to_regclass(t) IS NULL
        """;

    private const string Unique = """
        SELECT indrelid::regclass || ' (' || indexrelid::regclass || ')' FROM pg_index
         WHERE indrelid = ANY ($1::regclass[]) AND (indisunique OR indisexclusion)
         ORDER BY 1
        """;

    /// <summary>Demands that the tables are there, and that none of them has a unique index.</summary>
    public async Task RequireCountableAsync(CancellationToken cancellationToken)
    {
        var missing = await ListAsync(Missing, [.. Ledgers.Counted, "billing.balance"], cancellationToken);
        if (missing.Count > 0)
            throw new ToolException($"The database has no {string.Join(", ", missing)}: it is not the one of the insurance system, or the system was never started on it.");
        var unique = await ListAsync(Unique, Ledgers.Counted, cancellationToken);
        if (unique.Count > 0)
            throw new ToolException($"There is a unique index on {string.Join(", ", unique)}: it would reject a second effect before it could be counted, so '0 duplicated' would prove nothing.");
    }

    /// <summary>Takes the journals in; returns how many events they acknowledge.</summary>
    public async Task<long> LoadJournalAsync(IReadOnlyCollection<string> runs, IEnumerable<JournalEntry> entries, CancellationToken cancellationToken)
    {
        await ExecuteAsync(Prepare, cancellationToken);
        await using (var importer = await connection.BeginBinaryImportAsync("COPY pg_temp.run FROM STDIN (FORMAT BINARY)", cancellationToken))
        {
            foreach (var run in runs)
            {
                await importer.StartRowAsync(cancellationToken);
                await importer.WriteAsync(run, NpgsqlDbType.Text, cancellationToken);
            }

            await importer.CompleteAsync(cancellationToken);
        }

        var count = await ImportAsync(
            "COPY pg_temp.journal FROM STDIN (FORMAT BINARY)",
            entries,
            (importer, entry) =>
            {
                importer.Write(entry.EventId, NpgsqlDbType.Text);
                importer.Write(entry.PolicyId, NpgsqlDbType.Text);
                importer.Write(entry.Partition, NpgsqlDbType.Integer);
                importer.Write(entry.Offset, NpgsqlDbType.Bigint);
            },
            cancellationToken);
        await ExecuteAsync("ANALYZE pg_temp.journal", cancellationToken);
        return count;
    }

    /// <summary>Takes in what <c>auto.premiums</c> holds of the runs.</summary>
    public async Task LoadPremiumsAsync(IEnumerable<PremiumRecord> records, CancellationToken cancellationToken)
    {
        await ImportAsync(
            "COPY pg_temp.premium FROM STDIN (FORMAT BINARY)",
            records,
            (importer, record) =>
            {
                importer.Write((long)record.Partition, NpgsqlDbType.Bigint);
                importer.Write(record.Offset, NpgsqlDbType.Bigint);
                importer.Write(record.EventId, NpgsqlDbType.Text);
                importer.Write(record.SourceEventId, NpgsqlDbType.Text);
                importer.Write(record.PolicyId, NpgsqlDbType.Text);
                importer.Write(record.AmountKopecks, NpgsqlDbType.Bigint);
            },
            cancellationToken);
        await ExecuteAsync("ANALYZE pg_temp.premium", cancellationToken);
    }

    /// <summary>Everything; <paramref name="channels"/> is what the numbers of the relay's channels showed.</summary>
    public async Task<Comparison> CompareAsync(Finding channels, CancellationToken cancellationToken)
    {
        // One moment for all statements, should the workers still be at work.
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        var ledgers = new List<LedgerFindings>();
        foreach (var ledger in Ledgers.All)
        {
            var findings = await EffectCheck.RunAsync(connection, ledger, cancellationToken);
            ledgers.Add(ledger == Ledgers.Premiums ? findings with { OutOfOrder = findings.OutOfOrder.And(channels) } : findings);
        }

        var consistency = await ConsistencyCheck.RunAsync(connection, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return new Comparison(ledgers, consistency);
    }

    private async Task<long> ImportAsync<T>(string copy, IEnumerable<T> rows, Action<NpgsqlBinaryImporter, T> write, CancellationToken cancellationToken)
    {
        var count = 0L;
        await using var importer = await connection.BeginBinaryImportAsync(copy, cancellationToken);
        foreach (var row in rows)
        {
            // Only a full buffer goes to the network, so these calls seldom wait; an asynchronous one for each column would cost more.
#pragma warning disable MA0042, CA1849
            importer.StartRow();
            write(importer, row);
#pragma warning restore MA0042, CA1849
            count++;
        }

        await importer.CompleteAsync(cancellationToken);
        return count;
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<List<string>> ListAsync(string sql, IReadOnlyList<string> tables, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new NpgsqlParameter<string[]> { TypedValue = [.. tables] } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var list = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
            list.Add(reader.GetString(0));
        return list;
    }
}
