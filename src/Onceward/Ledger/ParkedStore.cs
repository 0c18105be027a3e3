using Npgsql;
using NpgsqlTypes;
using Onceward.Handling;
using Onceward.Lanes;
using Onceward.Outbox;

namespace Onceward.Ledger;

/// <summary>The batch's side of parked keys: hold those that it meets, set more aside.</summary>
/// <remarks>
/// <b>Concurrency:</b> the row of a parked key is held FOR UPDATE from the look-up to the end of the transaction, here and by the redrive. So a
/// batch never puts a record behind a key that a redrive is emptying, and a redrive never takes away a row behind which a batch parks.
/// </remarks>
internal static class ParkedStore
{
    /// <summary>
    /// Locks what the ledger has of these keys, sorted, and learns how much more each subscription may park. Waits for a redrive of one of them.
    /// The first statement of a batch: what it finds is known before any handler runs.
    /// </summary>
    /// <returns>The subscriptions that have any parked key.</returns>
    public static async Task<HashSet<int>> HoldAsync(
        NpgsqlTransaction transaction, TransactionBounds bounds, IReadOnlyCollection<Subscription> subscriptions,
        IReadOnlyCollection<(int Subscription, KeyId Key)> keys, Parking parking, CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(transaction.Connection!, transaction);
        await using var _ = batch.ConfigureAwait(false);
        bounds.AddTo(batch);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(HoldKeys)
        {
            Parameters = { Array(keys, k => k.Subscription), Bytes(keys, k => k.Key.ToBytes()) },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(CountParked)
        {
            Parameters =
            {
                Array(subscriptions, s => s.Id), Array(subscriptions, s => s.Settings.Retry.MaxParkedKeys),
                Array(subscriptions, s => s.Settings.Retry.MaxParkedRecords),
            },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SAVEPOINT attempt"));
        var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            parking.Hold(reader.GetInt32(0), KeyId.From((byte[])reader[1]));
        await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
        var caps = subscriptions.ToDictionary(s => s.Id, s => s.Settings.Retry);
        var occupied = new HashSet<int>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var (id, parkedKeys, parkedRecords) = (reader.GetInt32(0), reader.GetInt32(1), reader.GetInt32(2));
            parking.SetRoom(id, new ParkingRoom(caps[id].MaxParkedKeys - parkedKeys, caps[id].MaxParkedRecords - parkedRecords));
            if (parkedKeys > 0)
                occupied.Add(id);
        }
        return occupied;
    }

    /// <summary>
    /// Which of these subscriptions have parked keys now. For a batch that ran without looking, because there were none: it must not be committed
    /// if there are.
    /// </summary>
    public static NpgsqlBatchCommand FindOccupied(IReadOnlyCollection<int> subscriptions) => new(FindOccupiedRow)
    {
        Parameters = { new NpgsqlParameter<int[]> { TypedValue = [.. subscriptions] } },
    };

    /// <summary>Subscriptions of those of these keys that are parked. For keys that were not, when the batch looked.</summary>
    public static NpgsqlBatchCommand FindParked(IReadOnlyCollection<(int Subscription, KeyId Key)> keys) => new(FindParkedRows)
    {
        Parameters = { Array(keys, k => k.Subscription), Bytes(keys, k => k.Key.ToBytes()) },
    };

    /// <summary>Parks keys that were not parked when the batch looked. It affects fewer rows than keys where one is by now: the batch must look again.</summary>
    public static NpgsqlBatchCommand ParkKeys(IReadOnlyCollection<ParkedKey> keys) => new(InsertKeys)
    {
        Parameters =
        {
            Array(keys, k => k.Subscription.Id), Bytes(keys, k => k.Id.ToBytes()), Bytes(keys, k => k.Head.Message.Key),
            Array(keys, k => k.IsHeld ? "held" : "waiting"), Array(keys, k => k.Attempts), Array(keys, k => k.Pause ?? TimeSpan.Zero),
            Array(keys, k => Failure.ReasonOf(k.Error)), Array(keys, k => Text.Storable(k.Error.ToString())),
        },
    };

    /// <summary>Puts records behind their keys, in order.</summary>
    public static NpgsqlBatchCommand ParkRecords(IReadOnlyCollection<ParkedRecord> records) => new(InsertRecords)
    {
        Parameters =
        {
            Array(records, r => r.Subscription.Id), Bytes(records, r => r.Key.ToBytes()), Array(records, r => r.Record.Partition.Value),
            Array(records, r => r.Record.Offset.Value), Bytes(records, r => r.Record.Message.Value),
            Bytes(records, r => HeaderCodec.Encode(r.Record.Message.Headers ?? [])), Array(records, r => r.Record.Message.Timestamp.UnixTimestampMs),
        },
    };

    private static NpgsqlParameter<TValue[]> Array<T, TValue>(IReadOnlyCollection<T> items, Func<T, TValue> value) =>
        new() { TypedValue = [.. items.Select(value)] };

    private static NpgsqlParameter<byte[]?[]> Bytes<T>(IReadOnlyCollection<T> items, Func<T, byte[]?> value) =>
        new() { TypedValue = [.. items.Select(value)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea };

    /// <summary>Ends what the look began. It fails where that is not there any more.</summary>
    public const string ReleaseAttempt = "RELEASE SAVEPOINT attempt";

    private const string HoldKeys = """
        SELECT p.subscription_id, p.key_id
          FROM onceward.parked_key p
         WHERE (p.subscription_id, p.key_id) IN (SELECT * FROM unnest($1, $2))
         ORDER BY p.subscription_id, p.key_id
           FOR UPDATE OF p
        """;

    // Bounded by the caps: a full house is not counted to the end.
    private const string CountParked = """
        SELECT s.id,
               (SELECT count(*)::int FROM (SELECT FROM onceward.parked_key k WHERE k.subscription_id = s.id LIMIT s.keys) k),
               (SELECT count(*)::int FROM (SELECT FROM onceward.parked_record r WHERE r.subscription_id = s.id LIMIT s.records) r)
          FROM unnest($1, $2, $3) AS s (id, keys, records)
        """;

    private const string FindOccupiedRow = """
        SELECT s.id FROM unnest($1) AS s (id) WHERE EXISTS (SELECT FROM onceward.parked_key k WHERE k.subscription_id = s.id)
        """;

    private const string FindParkedRows = """
        SELECT DISTINCT p.subscription_id FROM onceward.parked_key p WHERE (p.subscription_id, p.key_id) IN (SELECT * FROM unnest($1, $2))
        """;

    // A row that is there already was parked since the look, by a partition from which the key has moved here or by a person who sent a dead letter
    // back: the batch may have applied a record that belongs behind it. Fewer rows than keys tell the caller.
    private const string InsertKeys = """
        INSERT INTO onceward.parked_key (subscription_id, key_id, key, state, attempts, next_attempt_at, reason, last_error)
        SELECT subscription_id, key_id, key, state, attempts, now() + pause, reason, last_error
          FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS n (subscription_id, key_id, key, state, attempts, pause, reason, last_error)
         ORDER BY subscription_id, key_id
        ON CONFLICT (subscription_id, key_id) DO NOTHING
        """;

    private const string InsertRecords = """
        INSERT INTO onceward.parked_record (subscription_id, key_id, partition, "offset", value, headers, ts)
        SELECT subscription_id, key_id, partition, "offset", value, headers, ts
          FROM unnest($1, $2, $3, $4, $5, $6, $7) WITH ORDINALITY AS r (subscription_id, key_id, partition, "offset", value, headers, ts, place)
         ORDER BY place
        """;
}
