using Npgsql;

namespace Onceward.Ledger;

/// <summary>Takes partitions: bumps the epoch of their rows and learns where to begin.</summary>
/// <remarks>
/// <b>Concurrency:</b> any process may claim any partition at any moment; from the commit on, transactions under the older epoch fail
/// their compare-and-swap. A row that a running transaction holds is skipped, not waited for. Model: <c>Claim</c> of the ledger's specification.
/// </remarks>
internal sealed class ClaimStore(NpgsqlDataSource database, string owner)
{
    // While partitions wait to be claimed nobody works on them: better to give up and try again a moment later.
    private const int TimeoutSeconds = 3;

    /// <summary>Claims what it can in one round trip, and says about the others why not.</summary>
    public async Task<ClaimAnswer> ClaimAsync(IReadOnlyCollection<PartitionKey> wanted, CancellationToken cancellationToken)
    {
        var connection = await database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = connection.ConfigureAwait(false);
        var batch = new NpgsqlBatch(connection) { Timeout = TimeoutSeconds };
        await using var __ = batch.ConfigureAwait(false);
        batch.BatchCommands.Add(With(ClaimRows, wanted, new NpgsqlParameter<string> { TypedValue = owner }));
        batch.BatchCommands.Add(With(ReadRows, wanted));
        // Behind the claim: what an owner before us parked is committed by now, or never will be.
        batch.BatchCommands.Add(ParkedStore.FindOccupied([.. wanted.Select(k => k.Subscription).Distinct()]));
        var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var ___ = reader.ConfigureAwait(false);
        var claimed = await RowsAsync(reader, cancellationToken).ConfigureAwait(false);
        await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
        var present = await RowsAsync(reader, cancellationToken).ConfigureAwait(false);
        await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
        var occupied = new HashSet<int>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            occupied.Add(reader.GetInt32(0));
        var known = present.Select(r => r.Key).ToHashSet();
        var mine = claimed.Select(r => r.Key).ToHashSet();
        return new ClaimAnswer(claimed, [.. present.Where(r => !mine.Contains(r.Key))], [.. wanted.Where(k => !known.Contains(k))], occupied);
    }

    /// <summary>Which of these subscriptions have a row for any partition: they have started, so a new partition must begin at its first record.</summary>
    public async Task<IReadOnlySet<int>> StartedAsync(IReadOnlyCollection<int> subscriptions, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand("SELECT DISTINCT subscription_id FROM onceward.consumer_offset WHERE subscription_id = ANY ($1)");
        await using var _ = command.ConfigureAwait(false);
        command.CommandTimeout = TimeoutSeconds;
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. subscriptions] });
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        var started = new HashSet<int>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            started.Add(reader.GetInt32(0));
        return started;
    }

    /// <summary>
    /// Writes the first position of partitions that have no row, before anything is read from them; somebody else's row stays. Returns what was written.
    /// </summary>
    public async Task<IReadOnlyList<PartitionKey>> InsertAsync(
        string clusterId, string application, IReadOnlyCollection<(PartitionKey Key, long Offset)> rows, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(InsertRows);
        await using var _ = command.ConfigureAwait(false);
        command.CommandTimeout = TimeoutSeconds;
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. rows.Select(r => r.Key.Subscription)] });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. rows.Select(r => r.Key.Partition)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. rows.Select(r => r.Offset)] });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = clusterId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = application });
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        var written = new List<PartitionKey>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            written.Add(new PartitionKey(reader.GetInt32(0), reader.GetInt32(1)));
        return written;
    }

    private static async Task<List<OffsetRow>> RowsAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var rows = new List<OffsetRow>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            rows.Add(OffsetStore.Row(reader));
        return rows;
    }

    private static NpgsqlBatchCommand With(string sql, IReadOnlyCollection<PartitionKey> keys, params NpgsqlParameter[] more)
    {
        var command = new NpgsqlBatchCommand(sql)
        {
            Parameters =
            {
                new NpgsqlParameter<int[]> { TypedValue = [.. keys.Select(k => k.Subscription)] },
                new NpgsqlParameter<int[]> { TypedValue = [.. keys.Select(k => k.Partition)] },
            },
        };
        command.Parameters.AddRange(more);
        return command;
    }

    private const string ClaimRows = $"""
        WITH free AS (
            SELECT o.subscription_id, o.partition
              FROM onceward.consumer_offset o
              JOIN unnest($1, $2) AS wanted (subscription_id, partition) USING (subscription_id, partition)
             ORDER BY o.subscription_id, o.partition
               FOR UPDATE OF o SKIP LOCKED),
        -- Whoever saw these is not the owner any more; the new one notes them again if they last.
        unblocked AS (
            UPDATE onceward.incident i SET resolved_by = 'automatic', resolved_at = now()
              FROM free
             WHERE i.resolved_by IS NULL AND i.kind IN ('partition_blocked', 'transaction_hung') AND i.subscription_id = free.subscription_id AND i.partition = free.partition)
        UPDATE onceward.consumer_offset o
           SET epoch = o.epoch + 1, owner = $3, claimed_at = now()
          FROM free
         WHERE o.subscription_id = free.subscription_id AND o.partition = free.partition
        RETURNING {OffsetStore.Columns}
        """;

    // Reads past the locks: a row that is held shows its last committed position.
    private const string ReadRows = $"""
        SELECT {OffsetStore.Columns}
          FROM onceward.consumer_offset o
          JOIN unnest($1, $2) AS wanted (subscription_id, partition) USING (subscription_id, partition)
        """;

    internal const string InsertRows = """
        WITH added AS (
            SELECT subscription_id, partition, next_offset, subscription_id || '/' || partition AS source
              FROM unnest($1, $2, $3) AS a (subscription_id, partition, next_offset)
             -- Two processes that start at once insert the same rows: in one order, or they deadlock.
             ORDER BY source),
        channel AS (
            INSERT INTO onceward.outbox_channel (cluster_id, application, kind, source)
            SELECT $4, $5, 'partition', source FROM added
            -- An update that changes nothing, because only an updated row is returned.
            ON CONFLICT (cluster_id, application, source) DO UPDATE SET source = excluded.source
            RETURNING id, source)
        INSERT INTO onceward.consumer_offset (subscription_id, partition, next_offset, channel_id)
        SELECT a.subscription_id, a.partition, a.next_offset, c.id
          FROM added a JOIN channel c USING (source)
        ON CONFLICT DO NOTHING
        RETURNING subscription_id, partition
        """;
}

/// <summary>What became of an attempt to claim.</summary>
/// <param name="Claimed">Rows under their new epoch.</param>
/// <param name="Held">Rows that a running transaction holds, as they were committed last.</param>
/// <param name="Absent">Partitions that have no row yet.</param>
/// <param name="Occupied">The subscriptions that have parked keys.</param>
internal sealed record ClaimAnswer(
    IReadOnlyList<OffsetRow> Claimed, IReadOnlyList<OffsetRow> Held, IReadOnlyList<PartitionKey> Absent, IReadOnlySet<int> Occupied)
{
    public static ClaimAnswer Nothing { get; } = new([], [], [], new HashSet<int>());
}
