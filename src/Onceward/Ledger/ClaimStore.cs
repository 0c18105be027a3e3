using Npgsql;

namespace Onceward.Ledger;

/// <summary>Takes partitions: bumps the epoch of their rows and learns where to begin.</summary>
/// <remarks>
/// <para>Called from the client's rebalance handler and so synchronous, on the poll thread, with a short bound.</para>
/// <para><b>Concurrency:</b> any process may claim any partition at any moment; from the commit on, transactions under the older epoch fail
/// their compare-and-swap. A row that a running transaction holds is skipped, not waited for. Model: <c>Claim</c> of the ledger's specification.</para>
/// </remarks>
internal sealed class ClaimStore(NpgsqlDataSource database, string owner)
{
    // The rebalance handler delays the whole group: better to give up and claim again a moment later.
    private const int TimeoutSeconds = 3;

    /// <summary>Claims what it can in one round trip; <paramref name="absent"/> receives the partitions that have no row yet.</summary>
    public IReadOnlyList<OffsetRow> Claim(IReadOnlyCollection<PartitionKey> wanted, List<PartitionKey> absent)
    {
        using var connection = database.OpenConnection();
        using var batch = new NpgsqlBatch(connection) { Timeout = TimeoutSeconds };
        batch.BatchCommands.Add(With(ClaimRows, wanted, new NpgsqlParameter<string> { TypedValue = owner }));
        batch.BatchCommands.Add(With(FindAbsent, wanted));
        using var reader = batch.ExecuteReader();
        var claimed = new List<OffsetRow>(wanted.Count);
        while (reader.Read())
            claimed.Add(OffsetStore.Row(reader));
        reader.NextResult();
        while (reader.Read())
            absent.Add(new PartitionKey(reader.GetInt32(0), reader.GetInt32(1)));
        return claimed;
    }

    /// <summary>Which of these subscriptions have a row for any partition: they have started, so a new partition must begin at its first record.</summary>
    public IReadOnlySet<int> Started(IReadOnlyCollection<int> subscriptions)
    {
        using var connection = database.OpenConnection();
        using var command = new NpgsqlCommand("SELECT DISTINCT subscription_id FROM onceward.consumer_offset WHERE subscription_id = ANY ($1)", connection)
        {
            CommandTimeout = TimeoutSeconds,
            Parameters = { new NpgsqlParameter<int[]> { TypedValue = [.. subscriptions] } },
        };
        var started = new HashSet<int>();
        using var reader = command.ExecuteReader();
        while (reader.Read())
            started.Add(reader.GetInt32(0));
        return started;
    }

    /// <summary>Writes the first position of partitions that have no row, before anything is read from them; somebody else's row stays.</summary>
    public void Insert(string clusterId, string application, IReadOnlyCollection<(PartitionKey Key, long Offset)> rows)
    {
        using var connection = database.OpenConnection();
        using var command = new NpgsqlCommand(InsertRows, connection)
        {
            CommandTimeout = TimeoutSeconds,
            Parameters =
            {
                new NpgsqlParameter<int[]> { TypedValue = [.. rows.Select(r => r.Key.Subscription)] },
                new NpgsqlParameter<int[]> { TypedValue = [.. rows.Select(r => r.Key.Partition)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. rows.Select(r => r.Offset)] },
                new NpgsqlParameter<string> { TypedValue = clusterId },
                new NpgsqlParameter<string> { TypedValue = application },
            },
        };
        command.ExecuteNonQuery();
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

    private const string ClaimRows = """
        WITH free AS (
            SELECT o.subscription_id, o.partition
              FROM onceward.consumer_offset o
              JOIN unnest($1, $2) AS wanted (subscription_id, partition) USING (subscription_id, partition)
             ORDER BY o.subscription_id, o.partition
               FOR UPDATE OF o SKIP LOCKED)
        UPDATE onceward.consumer_offset o
           SET epoch = o.epoch + 1, owner = $3, claimed_at = now()
          FROM free
         WHERE o.subscription_id = free.subscription_id AND o.partition = free.partition
        RETURNING o.subscription_id, o.partition, o.next_offset, o.epoch, o.state = 'running'
        """;

    private const string FindAbsent = """
        SELECT wanted.subscription_id, wanted.partition
          FROM unnest($1, $2) AS wanted (subscription_id, partition)
         WHERE NOT EXISTS (
            SELECT FROM onceward.consumer_offset o
             WHERE o.subscription_id = wanted.subscription_id AND o.partition = wanted.partition)
        """;

    private const string InsertRows = """
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
        """;
}
