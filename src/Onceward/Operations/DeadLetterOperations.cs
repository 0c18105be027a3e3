using Npgsql;
using Onceward.Handling;
using Onceward.Ledger;

namespace Onceward.Operations;

/// <summary>The statements behind <see cref="DeadLetters"/>.</summary>
/// <remarks>
/// <b>Lock order:</b> that of a batch: the parked key, then the offset row. A batch that was under way meets the key that appears behind its back in
/// the checks around its swap, rolls back and looks again.
/// </remarks>
internal sealed class DeadLetterOperations(NpgsqlDataSource database)
{
    public async Task<IReadOnlyList<DeadLetterInfo>> ListAsync(SetAsideFilter filter, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(List);
        command.Parameters.AddRange((NpgsqlParameter[])
        [
            Sql.Text(filter.Worker), Sql.Text(filter.Topic), Sql.Bytes(filter.Key), Sql.Text(filter.State), Sql.Text(filter.Reason),
            Sql.Int(filter.Partition), Sql.Long(filter.Offset), Sql.Long(filter.Id), Sql.Int(filter.Limit),
        ]);
        return await Sql.ReadAsync(
            command, r => new DeadLetterInfo(
                r.GetInt64(0), r.GetString(1), r.GetString(2), r.GetInt32(3), r.GetInt64(4), Sql.BytesAt(r, 5), Sql.BytesAt(r, 6), r.GetString(7), r.GetInt32(8),
                r.GetFieldValue<DateTimeOffset>(9), r.GetString(10), r.GetString(11)),
            cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<string>> HistoryAsync(long id, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand("SELECT at, event, by, detail FROM onceward.dead_letter_history WHERE dead_letter_id = $1 ORDER BY id");
        command.Parameters.Add(Sql.Long(id));
        return await Sql.ReadAsync(
            command, r => $"{r.GetFieldValue<DateTimeOffset>(0):u} {r.GetString(1)} by {r.GetString(2)}{(r.IsDBNull(3) ? "" : $": {r.GetString(3).Split('\n')[0]}")}", cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Puts a letter back into its key, at its old place.</summary>
    public Task<Verdict> SendBackAsync(DeadLetterInfo letter, Intervention intervention, CancellationToken cancellationToken) =>
        Sql.InTransactionAsync(database, intervention.DryRun, async transaction =>
        {
            if (await HoldAsync(transaction, letter.Id, cancellationToken).ConfigureAwait(false) is not { } held)
                throw new OncewardException(ErrorCodes.Operation, $"Dead letter {letter.Id} is gone. Nothing was changed.");
            if (held.IsRetired)
                throw new OncewardException(ErrorCodes.Operation, $"Dead letter {letter.Id} is of a topic or cluster that the worker was moved away from, and nobody would apply it. Nothing was changed.");
            if (held.State is "applied")
                return (Verdict.AlreadyApplied, false);
            if (held.State is "parked")
                return (Verdict.AlreadyParked, false);
            if (held.State is "discarded" && !intervention.Force)
                return (Verdict.AlreadyDiscarded, false);
            var key = KeyOf(letter);
            var wasParked = await Sql.ExecuteAsync(transaction, ParkKey, cancellationToken, Sql.Long(letter.Id), Sql.Bytes(key)).ConfigureAwait(false) == 0;
            var keepsOrder = letter.Key is null || await KeepsOrderAsync(transaction, letter.Id, key, wasParked, cancellationToken).ConfigureAwait(false);
            if (!keepsOrder && !intervention.Force)
                return (Verdict.BreaksOrder, false);
            await Sql.ExecuteAsync(transaction, PutBack, cancellationToken, Sql.Long(letter.Id), Sql.Bytes(key), Sql.Text(intervention.By)).ConfigureAwait(false);
            if (!keepsOrder)
                await Sql.ExecuteAsync(transaction, NoteBrokenOrder, cancellationToken, Sql.Long(letter.Id), Sql.Text(intervention.By)).ConfigureAwait(false);
            return (keepsOrder || !intervention.DryRun ? Verdict.Applies : Verdict.BreaksOrder, true);
        }, cancellationToken);

    /// <summary>Discards an open letter, or replaces its value.</summary>
    public Task<Verdict> ChangeAsync(DeadLetterInfo letter, byte[]? value, Intervention intervention, CancellationToken cancellationToken) =>
        Sql.InTransactionAsync(database, intervention.DryRun, async transaction =>
        {
            var held = await HoldAsync(transaction, letter.Id, cancellationToken).ConfigureAwait(false);
            if (held?.State is not "open")
                return (held?.State switch { "parked" => Verdict.AlreadyParked, "discarded" => Verdict.AlreadyDiscarded, _ => Verdict.AlreadyApplied }, false);
            NpgsqlParameter[] parameters = value is null
                ? [Sql.Long(letter.Id), Sql.Text(intervention.By)] : [Sql.Long(letter.Id), Sql.Text(intervention.By), Sql.Bytes(value)];
            await Sql.ExecuteAsync(transaction, value is null ? Discard : Edit, cancellationToken, parameters).ConfigureAwait(false);
            return (Verdict.Applies, true);
        }, cancellationToken);

    /// <summary>
    /// Whether nothing of the key can have been applied since: the key has been parked from before the letter and nothing behind it was applied, or
    /// nothing at all was read behind it in its partition. The offset row is locked for the latter: a batch that is under way waits, and then sees the key.
    /// </summary>
    private static async Task<bool> KeepsOrderAsync(NpgsqlTransaction transaction, long id, byte[] key, bool wasParked, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(wasParked ? NothingAppliedOfKey : NothingReadBehind, transaction.Connection, transaction);
        command.Parameters.Add(Sql.Long(id));
        if (wasParked)
            command.Parameters.Add(Sql.Bytes(key));
        return (await Sql.ReadAsync(command, r => r.GetBoolean(0), cancellationToken).ConfigureAwait(false)) is [true];
    }

    private static async Task<Held?> HoldAsync(NpgsqlTransaction transaction, long id, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand("SELECT d.state, s.retired_at IS NOT NULL FROM onceward.dead_letter d JOIN onceward.subscription s ON s.id = d.subscription_id WHERE d.id = $1 FOR UPDATE OF d", transaction.Connection, transaction) { Parameters = { Sql.Long(id) } };
        return (await Sql.ReadAsync(command, r => new Held(r.GetString(0), r.GetBoolean(1)), cancellationToken).ConfigureAwait(false)).SingleOrDefault();
    }

    private static byte[] KeyOf(DeadLetterInfo letter) => KeyId.Of(new Record
    {
        TopicPartitionOffset = new(letter.Topic, letter.Partition, letter.Offset), Message = new() { Key = letter.Key! },
    }).ToBytes();

    private sealed record Held(string State, bool IsRetired);

    private const string List = """
        SELECT d.id, s.worker, s.topic, d.partition, d."offset", d.key, d.value, d.state, d.attempts, d.at, d.reason, d.error
          FROM onceward.dead_letter d JOIN onceward.subscription s ON s.id = d.subscription_id
         WHERE ($1 IS NULL OR s.worker = $1) AND ($2 IS NULL OR s.topic = $2) AND ($3 IS NULL OR d.key = $3)
           AND ($4 IS NULL OR d.state = $4) AND ($5 IS NULL OR d.reason = $5)
           AND ($6 IS NULL OR d.partition = $6) AND ($7 IS NULL OR d."offset" = $7) AND ($8 IS NULL OR d.id = $8)
         ORDER BY d.arrival LIMIT $9
        """;

    // The row is locked either way; the count says whether it is new.
    private const string ParkKey = """
        WITH held AS (
            SELECT FROM onceward.parked_key k JOIN onceward.dead_letter d USING (subscription_id) WHERE d.id = $1 AND k.key_id = $2 FOR UPDATE OF k)
        INSERT INTO onceward.parked_key (subscription_id, key_id, key, attempts, next_attempt_at, reason, last_error)
        SELECT subscription_id, $2, key, 0, now(), reason, error FROM onceward.dead_letter WHERE id = $1 AND NOT EXISTS (SELECT FROM held)
        ON CONFLICT (subscription_id, key_id) DO NOTHING
        """;

    private const string NothingAppliedOfKey = """
        SELECT k.parked_at <= d.at AND k.applied_arrival < d.arrival
          FROM onceward.dead_letter d JOIN onceward.parked_key k USING (subscription_id) WHERE d.id = $1 AND k.key_id = $2
           FOR UPDATE OF k
        """;

    private const string NothingReadBehind = """
        SELECT o.next_offset <= d."offset" + 1
          FROM onceward.dead_letter d JOIN onceward.consumer_offset o USING (subscription_id, partition) WHERE d.id = $1
           FOR UPDATE OF o
        """;

    // Back at the head, it is tried at once; behind another, that one's turn is not changed.
    private const string PutBack = """
        WITH letter AS (
            UPDATE onceward.dead_letter SET state = 'parked' WHERE id = $1 RETURNING *),
        due AS (
            UPDATE onceward.parked_key k SET state = 'waiting', attempts = 0, next_attempt_at = now()
              FROM letter
             WHERE k.subscription_id = letter.subscription_id AND k.key_id = $2
               AND NOT EXISTS (
                SELECT FROM onceward.parked_record r WHERE r.subscription_id = k.subscription_id AND r.key_id = k.key_id AND r.arrival < letter.arrival)),
        noted AS (
            INSERT INTO onceward.dead_letter_history (dead_letter_id, event, by) SELECT id, 'sent back', $3 FROM letter)
        INSERT INTO onceward.parked_record (subscription_id, key_id, arrival, partition, "offset", value, headers, ts, original_value, edited_at, edited_by, dead_letter_id)
        SELECT subscription_id, $2, arrival, partition, "offset", value, headers, ts, original_value, edited_at, edited_by, id FROM letter
        """;

    private const string NoteBrokenOrder = $"""
        INSERT INTO onceward.incident (kind, subscription_id, partition, from_offset, detail, resolved_by, resolved_at)
        SELECT '{IncidentStore.OrderBroken}', subscription_id, partition, "offset", jsonb_build_object('by', $2, 'dead_letter', id), $2, now() FROM onceward.dead_letter WHERE id = $1
        """;

    private const string Discard = """
        WITH letter AS (UPDATE onceward.dead_letter SET state = 'discarded' WHERE id = $1 RETURNING id)
        INSERT INTO onceward.dead_letter_history (dead_letter_id, event, by) SELECT id, 'discarded', $2 FROM letter
        """;

    private const string Edit = """
        WITH letter AS (
            UPDATE onceward.dead_letter
               SET original_value = CASE WHEN edited_at IS NULL THEN value ELSE original_value END, value = $3, edited_at = now(), edited_by = $2
             WHERE id = $1 RETURNING id)
        INSERT INTO onceward.dead_letter_history (dead_letter_id, event, by) SELECT id, 'edited', $2 FROM letter
        """;
}
