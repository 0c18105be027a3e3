using Npgsql;
using Onceward.Ledger;

namespace Onceward.Operations;

/// <summary>The statements behind <see cref="ParkedKeys"/>.</summary>
internal sealed class ParkedOperations(NpgsqlDataSource database)
{
    /// <summary>A parked key, and what the filter says of a record in it.</summary>
    internal sealed record Target(int Subscription, byte[] KeyId, string Worker, string Topic, byte[]? Key, SetAsideFilter Filter);

    public async Task<IReadOnlyList<ParkedKeyInfo>> ListAsync(SetAsideFilter filter, CancellationToken cancellationToken) => await Sql.ReadAsync(
        Select(filter, "s.worker, s.topic, k.key, k.state, (SELECT count(*) FROM onceward.parked_record r WHERE r.subscription_id = k.subscription_id AND r.key_id = k.key_id), k.attempts, k.next_attempt_at, k.parked_at, k.reason, k.last_error"),
        r => new ParkedKeyInfo(
            r.GetString(0), r.GetString(1), Sql.BytesAt(r, 2), r.GetString(3), r.GetInt64(4), r.GetInt32(5), r.GetFieldValue<DateTimeOffset>(6),
            r.GetFieldValue<DateTimeOffset>(7), r.GetString(8), r.GetString(9)),
        cancellationToken).ConfigureAwait(false);

    public async Task<IReadOnlyList<ParkedRecordInfo>> RecordsAsync(SetAsideFilter filter, CancellationToken cancellationToken)
    {
        var records = new List<ParkedRecordInfo>();
        foreach (var target in await TargetsAsync(filter, cancellationToken).ConfigureAwait(false))
        {
            var command = database.CreateCommand(ReadRecords);
            command.Parameters.AddRange((NpgsqlParameter[])[Sql.Int(target.Subscription), Sql.Bytes(target.KeyId), Sql.Int(filter.Limit)]);
            records.AddRange(await Sql.ReadAsync(
                command, r => new ParkedRecordInfo(
                    r.GetInt32(0), r.GetInt64(1), Sql.BytesAt(r, 2), r.GetFieldValue<DateTimeOffset>(3), r.IsDBNull(4) ? null : r.GetString(4)),
                cancellationToken).ConfigureAwait(false));
        }
        return records;
    }

    /// <summary>Does something to each key that matches, each in a transaction that holds the key.</summary>
    public async Task<IReadOnlyList<Outcome>> ForEachKeyAsync(
        SetAsideFilter filter, Intervention intervention, Func<NpgsqlTransaction, Target, string, CancellationToken, Task<string?>> work, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(intervention);
        var outcomes = new List<Outcome>();
        foreach (var target in await TargetsAsync(filter, cancellationToken).ConfigureAwait(false))
        {
            var (isThere, position) = await Sql.InTransactionAsync(database, intervention.DryRun, async transaction =>
            {
                if (await Sql.ExecuteAsync(transaction, HoldKey, cancellationToken, Sql.Int(target.Subscription), Sql.Bytes(target.KeyId)).ConfigureAwait(false) == 0)
                    return ((false, (string?)null), false);
                return ((true, await work(transaction, target, intervention.By, cancellationToken).ConfigureAwait(false)), true);
            }, cancellationToken).ConfigureAwait(false);
            // One that a worker has emptied since it was listed.
            outcomes.Add(new Outcome(target.Worker, target.Topic, target.Key, position, isThere ? Verdict.Applies : Verdict.AlreadyApplied));
        }
        return outcomes;
    }

    public static async Task<string?> RetryAsync(NpgsqlTransaction transaction, Target target, string by, CancellationToken cancellationToken)
    {
        await SettleHeldAsync(transaction, target, by, cancellationToken).ConfigureAwait(false);
        await Sql.ExecuteAsync(transaction, MakeDue, cancellationToken, Sql.Int(target.Subscription), Sql.Bytes(target.KeyId)).ConfigureAwait(false);
        return null;
    }

    /// <summary>Takes a record out. With the head gone the key goes on; it stays as it is where a record behind the head is taken out.</summary>
    public static async Task<string?> DiscardAsync(NpgsqlTransaction transaction, Target target, string by, CancellationToken cancellationToken)
    {
        var look = new NpgsqlCommand(IsHead, transaction.Connection, transaction);
        look.Parameters.AddRange((NpgsqlParameter[])
            [Sql.Int(target.Subscription), Sql.Bytes(target.KeyId), Sql.Int(target.Filter.Partition), Sql.Long(target.Filter.Offset)]);
        var isHead = (await Sql.ReadAsync(look, r => r.GetBoolean(0), cancellationToken).ConfigureAwait(false)).SingleOrDefault();
        if (isHead)
            await SettleHeldAsync(transaction, target, by, cancellationToken).ConfigureAwait(false);
        var command = new NpgsqlCommand(Discard, transaction.Connection, transaction);
        command.Parameters.AddRange((NpgsqlParameter[])
            [Sql.Int(target.Subscription), Sql.Bytes(target.KeyId), Sql.Int(target.Filter.Partition), Sql.Long(target.Filter.Offset), Sql.Text(by)]);
        var gone = await Sql.ReadAsync(command, r => $"{r.GetInt32(0)}@{r.GetInt64(1)}", cancellationToken).ConfigureAwait(false);
        // A statement of its own, because it must see what the one before has done.
        if (isHead)
            await Sql.ExecuteAsync(transaction, ReleaseKey, cancellationToken, Sql.Int(target.Subscription), Sql.Bytes(target.KeyId)).ConfigureAwait(false);
        return gone.SingleOrDefault();
    }

    public async Task<Outcome> EditAsync(SetAsideFilter filter, byte[] value, Intervention intervention, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (filter is not { Partition: not null, Offset: not null } || await TargetsAsync(filter, cancellationToken).ConfigureAwait(false) is not [var target])
            throw new OncewardException(ErrorCodes.Operation, "No or more than one parked record matches: name worker, topic, partition and offset. Nothing was changed.");
        var outcomes = await ForEachKeyAsync(filter, intervention, async (transaction, key, by, token) =>
        {
            await Sql.ExecuteAsync(
                transaction, Edit, token, Sql.Int(key.Subscription), Sql.Bytes(key.KeyId), Sql.Int(filter.Partition), Sql.Long(filter.Offset), Sql.Bytes(value), Sql.Text(by))
                .ConfigureAwait(false);
            return $"{filter.Partition}@{filter.Offset}";
        }, cancellationToken).ConfigureAwait(false);
        return outcomes is [var outcome] ? outcome : new Outcome(target.Worker, target.Topic, target.Key, null, Verdict.AlreadyApplied);
    }

    /// <summary>A held key waited for a person, who has decided now.</summary>
    private static Task<int> SettleHeldAsync(NpgsqlTransaction transaction, Target target, string by, CancellationToken cancellationToken) =>
        Sql.ExecuteAsync(transaction, SettleHeld, cancellationToken, Sql.Int(target.Subscription), Sql.Bytes(target.KeyId), Sql.Text(by));

    private Task<List<Target>> TargetsAsync(SetAsideFilter filter, CancellationToken cancellationToken) => Sql.ReadAsync(
        Select(filter, "k.subscription_id, k.key_id, s.worker, s.topic, k.key"),
        r => new Target(r.GetInt32(0), (byte[])r[1], r.GetString(2), r.GetString(3), Sql.BytesAt(r, 4), filter), cancellationToken);

    private NpgsqlCommand Select(SetAsideFilter filter, string columns)
    {
        var command = database.CreateCommand($"SELECT {columns} {Matching}");
        command.Parameters.AddRange((NpgsqlParameter[])
        [
            Sql.Text(filter.Worker), Sql.Text(filter.Topic), Sql.Bytes(filter.Key), Sql.Text(filter.State), Sql.Text(filter.Reason),
            Sql.Int(filter.Partition), Sql.Long(filter.Offset), Sql.Int(filter.Limit),
        ]);
        return command;
    }

    private const string Matching = """
          FROM onceward.parked_key k JOIN onceward.subscription s ON s.id = k.subscription_id
         WHERE ($1 IS NULL OR s.worker = $1) AND ($2 IS NULL OR s.topic = $2) AND ($3 IS NULL OR k.key = $3)
           AND ($4 IS NULL OR k.state = $4) AND ($5 IS NULL OR k.reason = $5)
           AND ($6 IS NULL AND $7 IS NULL OR EXISTS (
                SELECT FROM onceward.parked_record r
                 WHERE r.subscription_id = k.subscription_id AND r.key_id = k.key_id AND ($6 IS NULL OR r.partition = $6) AND ($7 IS NULL OR r."offset" = $7)))
         ORDER BY k.parked_at, k.key_id LIMIT $8
        """;

    private const string ReadRecords = """
        SELECT partition, "offset", value, parked_at, edited_by FROM onceward.parked_record WHERE subscription_id = $1 AND key_id = $2 ORDER BY arrival LIMIT $3
        """;

    // An update and not a select, so that the row count says whether it is there. The lock is the same.
    private const string HoldKey = "UPDATE onceward.parked_key SET state = state WHERE subscription_id = $1 AND key_id = $2";

    private const string SettleHeld = $"""
        UPDATE onceward.incident i SET resolved_by = $3, resolved_at = now()
          FROM onceward.parked_record r
         WHERE i.kind = '{IncidentStore.HeldKey}' AND i.resolved_by IS NULL AND i.subscription_id = r.subscription_id AND i.partition = r.partition AND i.from_offset = r."offset"
           AND r.subscription_id = $1 AND r.key_id = $2
        """;

    private const string MakeDue = """
        UPDATE onceward.parked_key SET state = 'waiting', attempts = 0, next_attempt_at = now() WHERE subscription_id = $1 AND key_id = $2
        """;

    private const string Edit = """
        UPDATE onceward.parked_record
           SET original_value = CASE WHEN edited_at IS NULL THEN value ELSE original_value END, value = $5, edited_at = now(), edited_by = $6
         WHERE subscription_id = $1 AND key_id = $2 AND partition = $3 AND "offset" = $4
        """;

    private const string IsHead = """
        SELECT ($3 IS NULL OR partition = $3) AND ($4 IS NULL OR "offset" = $4) FROM onceward.parked_record
         WHERE subscription_id = $1 AND key_id = $2 ORDER BY arrival LIMIT 1
        """;

    private const string Discard = """
        WITH head AS (
            SELECT arrival FROM onceward.parked_record
             WHERE subscription_id = $1 AND key_id = $2 AND ($3 IS NULL OR partition = $3) AND ($4 IS NULL OR "offset" = $4)
             ORDER BY arrival LIMIT 1),
        gone AS (
            DELETE FROM onceward.parked_record r USING head
             WHERE r.subscription_id = $1 AND r.key_id = $2 AND r.arrival = head.arrival RETURNING r.*),
        again AS (
            UPDATE onceward.dead_letter d SET state = 'discarded' FROM gone WHERE d.id = gone.dead_letter_id RETURNING d.id),
        buried AS (
            INSERT INTO onceward.dead_letter (subscription_id, partition, "offset", key, value, headers, ts, reason, error, attempts, arrival, state, original_value, edited_at, edited_by)
            SELECT gone.subscription_id, gone.partition, gone."offset", k.key, gone.value, gone.headers, gone.ts, k.reason, k.last_error, k.attempts, gone.arrival, 'discarded',
                   gone.original_value, gone.edited_at, gone.edited_by
              FROM gone JOIN onceward.parked_key k USING (subscription_id, key_id) WHERE gone.dead_letter_id IS NULL
            RETURNING id),
        noted AS (
            INSERT INTO onceward.dead_letter_history (dead_letter_id, event, by) SELECT id, 'discarded', $5 FROM again UNION ALL SELECT id, 'discarded', $5 FROM buried)
        SELECT partition, "offset" FROM gone
        """;

    // The next one has not failed yet, and is tried at once; where nothing is left the key is free.
    private const string ReleaseKey = """
        WITH emptied AS (
            DELETE FROM onceward.parked_key k WHERE subscription_id = $1 AND key_id = $2
               AND NOT EXISTS (SELECT FROM onceward.parked_record r WHERE r.subscription_id = k.subscription_id AND r.key_id = k.key_id) RETURNING 1)
        UPDATE onceward.parked_key SET state = 'waiting', attempts = 0, next_attempt_at = now()
         WHERE subscription_id = $1 AND key_id = $2 AND NOT EXISTS (SELECT FROM emptied)
        """;
}
