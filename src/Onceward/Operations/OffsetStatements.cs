using Npgsql;
using NpgsqlTypes;
using Onceward.Ledger;

namespace Onceward.Operations;

/// <summary>The statements of one reset, in its transaction.</summary>
/// <remarks>
/// <b>Lock order:</b> that of a batch: parked keys, sorted, then offset rows, sorted. From the moment when the rows are locked no batch of these
/// partitions commits, so what is parked then stays as it is.
/// </remarks>
internal sealed class OffsetStatements(NpgsqlTransaction transaction, OffsetReset reset, string by, string kind)
{
    /// <summary>The subscriptions of a worker on a topic that were not given up, the newest first: more than one where it reads several clusters.</summary>
    public static Task<List<ActiveSubscription>> ActiveAsync(NpgsqlDataSource database, string worker, string topic, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(
            "SELECT id, cluster_id, topic_id FROM onceward.subscription WHERE worker = $1 AND topic = $2 AND retired_at IS NULL ORDER BY id DESC");
        command.Parameters.AddRange((NpgsqlParameter[])[Sql.Text(worker), Sql.Text(topic)]);
        return Sql.ReadAsync(command, r => new ActiveSubscription(r.GetInt32(0), r.GetString(1), r.GetString(2)), cancellationToken);
    }

    public static async Task<IReadOnlyDictionary<int, long>> RowsAsync(NpgsqlDataSource database, int subscription, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand("SELECT partition, next_offset FROM onceward.consumer_offset WHERE subscription_id = $1");
        command.Parameters.Add(Sql.Int(subscription));
        var rows = await Sql.ReadAsync(command, r => (Partition: r.GetInt32(0), Offset: r.GetInt64(1)), cancellationToken).ConfigureAwait(false);
        return rows.ToDictionary(r => r.Partition, r => r.Offset);
    }

    /// <summary>Gives a subscription up and begins one on the topic as it is now, with rows for its partitions.</summary>
    /// <exception cref="OncewardException">Keys are parked: their offsets would mean other records.</exception>
    public async Task<int> BeginAnewAsync(
        int former, string clusterId, string topicId, IReadOnlyDictionary<int, long> targets, CancellationToken cancellationToken)
    {
        await Sql.ExecuteAsync(transaction, SubscriptionStore.Lock, cancellationToken, Sql.Text(reset.Worker), Sql.Text(reset.Topic)).ConfigureAwait(false);
        await Sql.ExecuteAsync(transaction, Retire, cancellationToken, Sql.Int(former), Sql.Text(by)).ConfigureAwait(false);
        // Under the locks of the offset rows, so that no batch parks another one behind this look.
        if (await ScalarAsync<long>("SELECT count(*) FROM onceward.parked_key WHERE subscription_id = $1", cancellationToken, Sql.Int(former)).ConfigureAwait(false) is > 0 and var parked)
            throw OffsetOperations.Refused($"{parked} keys of the old topic are parked, and the new one has other records at their offsets. Deal with them first: onceward parked list --worker {reset.Worker}.");
        var subscription = await ScalarAsync<int>(
            Begin, cancellationToken, Sql.Text(clusterId), Sql.Text(reset.Worker), Sql.Text(reset.Topic), Sql.Text(topicId), Sql.Int(targets.Count)).ConfigureAwait(false);
        var application = await ScalarAsync<string>(ApplicationOf, cancellationToken, Sql.Int(former)).ConfigureAwait(false);
        await Sql.ExecuteAsync(
            transaction, ClaimStore.InsertRows, cancellationToken, Array(targets.Keys.Select(_ => subscription)), Array(targets.Keys), Array(targets.Values),
            Sql.Text(clusterId), Sql.Text(application)).ConfigureAwait(false);
        return subscription;
    }

    /// <summary>Moves the rows, fences whoever works on them, and takes out what the log will bring again.</summary>
    public async Task<IReadOnlyList<MovedOffset>> MoveAsync(
        int subscription, IReadOnlyDictionary<int, long> targets, bool isNew, CancellationToken cancellationToken)
    {
        NpgsqlParameter[] Positions() => [Sql.Int(subscription), Array(targets.Keys), Array(targets.Values)];
        await Sql.ExecuteAsync(transaction, LockKeys, cancellationToken, Positions()).ConfigureAwait(false);
        var rows = await ReadAsync(LockRows, r => (Partition: r.GetInt32(0), Offset: r.GetInt64(1), State: r.GetString(2)), cancellationToken, Positions()).ConfigureAwait(false);
        var unparked = await CountAsync(Unpark, cancellationToken, Positions()).ConfigureAwait(false);
        await Sql.ExecuteAsync(transaction, ReleaseKeys, cancellationToken, Sql.Int(subscription)).ConfigureAwait(false);
        var letters = await CountAsync(CloseLetters, cancellationToken, [.. Positions(), Sql.Text(by)]).ConfigureAwait(false);
        if (reset.ForgetEvents)
            await Sql.ExecuteAsync(transaction, "DELETE FROM onceward.seen_event WHERE scope = $1", cancellationToken, Sql.Int(subscription)).ConfigureAwait(false);
        await Sql.ExecuteAsync(transaction, ResolveIncidents, cancellationToken, [.. Positions(), Sql.Text(by)]).ConfigureAwait(false);
        await Sql.ExecuteAsync(transaction, MoveRows, cancellationToken, Positions()).ConfigureAwait(false);
        var detail = IncidentDetail.Of(("by", by), ("to", kind == IncidentStore.OffsetsReset ? reset.To.ToString() : null), ("reason", reset.Reason));
        await Sql.ExecuteAsync(
            transaction, Note, cancellationToken, Sql.Text(kind), Sql.Int(subscription), Array(rows.Select(r => r.Partition)), Array(rows.Select(r => r.Offset)),
            Array(rows.Select(r => targets[r.Partition])), new NpgsqlParameter<string> { TypedValue = detail, NpgsqlDbType = NpgsqlDbType.Jsonb }, Sql.Text(by))
            .ConfigureAwait(false);
        return
        [
            .. rows.Select(r => new MovedOffset(
                reset.Worker, reset.Topic, r.Partition, isNew ? null : r.Offset, targets[r.Partition], isNew ? "new" : r.State,
                unparked.GetValueOrDefault(r.Partition), letters.GetValueOrDefault(r.Partition))),
        ];
    }

    private async Task<Dictionary<int, int>> CountAsync(string sql, CancellationToken cancellationToken, params NpgsqlParameter[] parameters) =>
        (await ReadAsync(sql, r => r.GetInt32(0), cancellationToken, parameters).ConfigureAwait(false)).CountBy(p => p).ToDictionary();

    private Task<List<T>> ReadAsync<T>(string sql, Func<NpgsqlDataReader, T> row, CancellationToken cancellationToken, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlCommand(sql, transaction.Connection, transaction);
        command.Parameters.AddRange(parameters);
        return Sql.ReadAsync(command, row, cancellationToken);
    }

    private async Task<T> ScalarAsync<T>(string sql, CancellationToken cancellationToken, params NpgsqlParameter[] parameters) =>
        (await ReadAsync(sql, r => r.GetFieldValue<T>(0), cancellationToken, parameters).ConfigureAwait(false)).Single();

    private static NpgsqlParameter<T[]> Array<T>(IEnumerable<T> values) => new() { TypedValue = [.. values] };

    private const string LockKeys = """
        SELECT FROM onceward.parked_key k
         WHERE k.subscription_id = $1
           AND EXISTS (
               SELECT FROM onceward.parked_record r JOIN unnest($2, $3) AS t (partition, until) USING (partition)
                WHERE r.subscription_id = k.subscription_id AND r.key_id = k.key_id AND r."offset" >= t.until)
         ORDER BY k.key_id
           FOR UPDATE
        """;

    private const string LockRows = """
        SELECT o.partition, o.next_offset, o.state
          FROM onceward.consumer_offset o JOIN unnest($2, $3) AS t (partition, until) USING (partition)
         WHERE o.subscription_id = $1
         ORDER BY o.partition
           FOR UPDATE OF o
        """;

    private const string Unpark = """
        DELETE FROM onceward.parked_record r USING unnest($2, $3) AS t (partition, until)
         WHERE r.subscription_id = $1 AND r.partition = t.partition AND r."offset" >= t.until
        RETURNING r.partition
        """;

    private const string ReleaseKeys = """
        DELETE FROM onceward.parked_key k
         WHERE k.subscription_id = $1
           AND NOT EXISTS (SELECT FROM onceward.parked_record r WHERE r.subscription_id = k.subscription_id AND r.key_id = k.key_id)
        """;

    // The log brings these records again; sent back, they would be applied twice.
    private const string CloseLetters = """
        WITH closed AS (
            UPDATE onceward.dead_letter d SET state = 'discarded'
              FROM unnest($2, $3) AS t (partition, until)
             WHERE d.subscription_id = $1 AND d.partition = t.partition AND d."offset" >= t.until AND d.state IN ('open', 'parked')
            RETURNING d.id, d.partition),
        noted AS (
            INSERT INTO onceward.dead_letter_history (dead_letter_id, event, by, detail)
            SELECT id, 'discarded', $4, 'the offset was set back: the record is read again' FROM closed)
        SELECT partition FROM closed
        """;

    private const string ResolveIncidents = """
        UPDATE onceward.incident i SET resolved_by = $4, resolved_at = now()
         WHERE i.subscription_id = $1 AND i.resolved_by IS NULL
           AND (i.partition = -1 AND i.kind = 'topic_missing'
                OR EXISTS (
                   SELECT FROM unnest($2, $3) AS t (partition, until)
                    WHERE t.partition = i.partition AND (i.kind <> 'key_held' OR i.from_offset >= t.until)))
        """;

    private const string MoveRows = """
        UPDATE onceward.consumer_offset o
           SET next_offset = t.until, epoch = o.epoch + 1, state = 'running', owner = NULL,
               anchor_offset = NULL, anchor_leader_epoch = NULL, anchor_ts = NULL, anchor_hash = NULL, updated_at = now()
          FROM unnest($2, $3) AS t (partition, until)
         WHERE o.subscription_id = $1 AND o.partition = t.partition
        """;

    private const string Note = """
        INSERT INTO onceward.incident (kind, subscription_id, partition, from_offset, to_offset, detail, resolved_by, resolved_at)
        SELECT $1, $2, partition, from_offset, to_offset, $6, $7, now() FROM unnest($3, $4, $5) AS m (partition, from_offset, to_offset)
        """;

    // Whoever still works on it is fenced.
    private const string Retire = """
        WITH retired AS (UPDATE onceward.subscription SET retired_at = now() WHERE id = $1),
        resolved AS (
            UPDATE onceward.incident SET resolved_by = $2, resolved_at = now() WHERE subscription_id = $1 AND resolved_by IS NULL AND kind <> 'key_held')
        UPDATE onceward.consumer_offset SET epoch = epoch + 1, state = 'stopped', updated_at = now() WHERE subscription_id = $1
        """;

    // It may have been given up before: a worker that moves back.
    private const string Begin = """
        INSERT INTO onceward.subscription (cluster_id, worker, topic, topic_id, partitions) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (cluster_id, worker, topic, topic_id) DO UPDATE SET retired_at = NULL, partitions = excluded.partitions
        RETURNING id
        """;

    private const string ApplicationOf = """
        SELECT c.application FROM onceward.consumer_offset o JOIN onceward.outbox_channel c ON c.id = o.channel_id WHERE o.subscription_id = $1 LIMIT 1
        """;
}
