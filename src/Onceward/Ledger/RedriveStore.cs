using Confluent.Kafka;
using Npgsql;
using NpgsqlTypes;
using Onceward.Handling;
using Onceward.Lanes;
using Onceward.Outbox;

namespace Onceward.Ledger;

/// <summary>The redrive's side of parked keys.</summary>
/// <remarks>
/// <b>Concurrency:</b> a key is taken FOR UPDATE; one that a batch or another redrive holds is passed over. What stands behind the head is read by
/// a statement of its own, under that lock, so nobody can add to it until the transaction ends. Model: <c>RedriveBegin</c>, <c>RedriveEnd</c>.
/// </remarks>
internal static class RedriveStore
{
    /// <summary>Takes the key whose turn it is.</summary>
    public static async Task<DueKey?> TakeDueAsync(
        NpgsqlTransaction transaction, TransactionBounds bounds, int[] subscriptions, CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(transaction.Connection, transaction);
        await using var _ = batch.ConfigureAwait(false);
        bounds.AddTo(batch);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(TakeDue) { Parameters = { new NpgsqlParameter<int[]> { TypedValue = subscriptions } } });
        var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        return await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
            ? new DueKey(reader.GetInt32(0), (byte[])reader[1], reader.IsDBNull(2) ? null : (byte[])reader[2], reader.GetInt32(3)) : null;
    }

    /// <summary>What is parked under the key, in arrival order; <paramref name="limit"/> records at most.</summary>
    public static async Task<List<Arrival>> ReadAsync(
        NpgsqlTransaction transaction, DueKey key, string topic, int limit, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(ReadRecords, transaction.Connection, transaction);
        await using var _ = command.ConfigureAwait(false);
        AddKey(command.Parameters, key);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        var arrivals = new List<Arrival>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var record = new Record
            {
                TopicPartitionOffset = new TopicPartitionOffset(topic, reader.GetInt32(1), reader.GetInt64(2)),
                Message = new Message<byte[], byte[]>
                {
                    Key = key.Key!,
                    Value = reader.IsDBNull(3) ? null! : (byte[])reader[3],
                    Headers = HeaderCodec.Decode((byte[])reader[4]),
                    Timestamp = new Timestamp(reader.GetInt64(5), TimestampType.CreateTime),
                },
            };
            arrivals.Add(new Arrival(reader.GetInt64(0), record, reader.IsDBNull(6) ? null : reader.GetInt64(6)));
        }
        return arrivals;
    }

    /// <summary>Lets other keys go before one whose transaction is gone, for a while.</summary>
    public static NpgsqlCommand Postpone(NpgsqlDataSource database, DueKey key, Exception failure) => About(database, PostponeKey, key, failure);

    /// <summary>Keeps a key, whose transaction is gone, from everybody until a person decides, with an incident about the record at its head.</summary>
    public static NpgsqlCommand Hold(NpgsqlDataSource database, DueKey key, Exception failure)
    {
        var command = About(database, HoldKey, key, failure);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = IncidentStore.HeldDetail(key.Key, failure), NpgsqlDbType = NpgsqlDbType.Jsonb });
        return command;
    }

    /// <summary>Takes records out: they are applied, or dead letters. Every one of them must still be there.</summary>
    public static NpgsqlBatchCommand Remove(DueKey key, IReadOnlyCollection<Arrival> arrivals)
    {
        var command = new NpgsqlBatchCommand("DELETE FROM onceward.parked_record WHERE subscription_id = $1 AND key_id = $2 AND arrival = ANY ($3)");
        AddKey(command.Parameters, key);
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. arrivals.Select(a => a.Number)] });
        return command;
    }

    /// <summary>The key is empty: its records go on as before. The foreign key refuses it while a record is left.</summary>
    public static NpgsqlBatchCommand Release(DueKey key)
    {
        var command = new NpgsqlBatchCommand("DELETE FROM onceward.parked_key WHERE subscription_id = $1 AND key_id = $2");
        AddKey(command.Parameters, key);
        return command;
    }

    /// <summary>The key stays, with another record at its head or another attempt behind it.</summary>
    public static NpgsqlBatchCommand Keep(DueKey key, long applied, HeadState head)
    {
        var command = new NpgsqlBatchCommand(KeepKey);
        AddKey(command.Parameters, key);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = applied });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = head.Pause is null ? "held" : "waiting" });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = head.Attempts });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = head.Pause ?? TimeSpan.Zero });
        command.Parameters.Add(Text(head.Error is null ? null : Failure.ReasonOf(head.Error)));
        command.Parameters.Add(Text(head.Error is null ? null : Ledger.Text.Storable(head.Error.ToString())));
        return command;
    }

    /// <summary>Gives messages their numbers from the offset rows of their partitions, as a batch does, without moving an offset.</summary>
    public static NpgsqlBatchCommand Queue(IReadOnlyCollection<OutgoingMessage> messages) => new(QueueRows)
    {
        Parameters =
        {
            Array(messages, m => m.Subscription), Array(messages, m => m.Partition), Array(messages, m => m.Topic),
            Bytes(messages, m => m.Key), Bytes(messages, m => m.Value), Bytes(messages, m => m.Headers),
        },
    };

    /// <summary>Says in the histories of dead letters that were sent back what became of them.</summary>
    public static NpgsqlBatchCommand Resolve(IReadOnlyCollection<long> deadLetters, string state, string happened, string worker, string? detail) => new(ResolveLetters)
    {
        Parameters =
        {
            new NpgsqlParameter<long[]> { TypedValue = [.. deadLetters] }, new NpgsqlParameter<string> { TypedValue = state },
            new NpgsqlParameter<string> { TypedValue = happened }, new NpgsqlParameter<string> { TypedValue = worker }, Text(detail),
        },
    };

    private static NpgsqlCommand About(NpgsqlDataSource database, string statement, DueKey key, Exception failure)
    {
        var command = database.CreateCommand(statement);
        AddKey(command.Parameters, key);
        command.Parameters.Add(Text(Failure.ReasonOf(failure)));
        command.Parameters.Add(Text(Ledger.Text.Storable(failure.ToString())));
        return command;
    }

    private static void AddKey(System.Collections.IList parameters, DueKey key)
    {
        parameters.Add(new NpgsqlParameter<int> { TypedValue = key.Subscription });
        parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = key.KeyId });
    }

    private static NpgsqlParameter Text(string? text) => new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    private static NpgsqlParameter<TValue[]> Array<T, TValue>(IReadOnlyCollection<T> items, Func<T, TValue> value) =>
        new() { TypedValue = [.. items.Select(value)] };

    private static NpgsqlParameter<byte[]?[]> Bytes<T>(IReadOnlyCollection<T> items, Func<T, byte[]?> value) =>
        new() { TypedValue = [.. items.Select(value)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea };

    private const string TakeDue = """
        SELECT subscription_id, key_id, key, attempts
          FROM onceward.parked_key
         WHERE subscription_id = ANY ($1) AND state = 'waiting' AND next_attempt_at <= now()
         ORDER BY next_attempt_at
         LIMIT 1
           FOR UPDATE SKIP LOCKED
        """;

    private const string ReadRecords = """
        SELECT arrival, partition, "offset", value, headers, ts, dead_letter_id
          FROM onceward.parked_record
         WHERE subscription_id = $1 AND key_id = $2
         ORDER BY arrival
         LIMIT $3
        """;

    private const string KeepKey = """
        UPDATE onceward.parked_key
           SET applied_arrival = greatest(applied_arrival, $3), state = $4, attempts = $5, next_attempt_at = now() + $6,
               reason = coalesce($7, reason), last_error = coalesce($8, last_error)
         WHERE subscription_id = $1 AND key_id = $2
        """;

    private const string PostponeKey = """
        UPDATE onceward.parked_key SET next_attempt_at = greatest(next_attempt_at, now() + interval '2 seconds'), reason = $3, last_error = $4
         WHERE subscription_id = $1 AND key_id = $2
        """;

    private const string HoldKey = $"""
        WITH held AS (
            UPDATE onceward.parked_key SET state = 'held', reason = $3, last_error = $4
             WHERE subscription_id = $1 AND key_id = $2 AND state <> 'held' RETURNING subscription_id, key_id)
        INSERT INTO onceward.incident (kind, subscription_id, partition, from_offset, detail)
        SELECT '{IncidentStore.HeldKey}', r.subscription_id, r.partition, r."offset", $5
          FROM held JOIN onceward.parked_record r USING (subscription_id, key_id) ORDER BY r.arrival LIMIT 1
        """;

    // The rows are locked in one order, as everywhere; the numbers follow the order of the messages.
    private const string QueueRows = """
        WITH m AS (
            SELECT *, row_number() OVER (PARTITION BY subscription_id, partition ORDER BY place) - 1 AS ordinal
              FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY AS m (subscription_id, partition, topic, key, value, headers, place)),
        held AS (
            SELECT o.subscription_id, o.partition
              FROM onceward.consumer_offset o
             WHERE (o.subscription_id, o.partition) IN (SELECT subscription_id, partition FROM m)
             ORDER BY o.subscription_id, o.partition
               FOR UPDATE),
        counted AS (
            UPDATE onceward.consumer_offset o
               SET next_out_seq = o.next_out_seq + c.count
              FROM (SELECT held.subscription_id, held.partition, count(*) FROM m JOIN held USING (subscription_id, partition) GROUP BY 1, 2) c
             WHERE o.subscription_id = c.subscription_id AND o.partition = c.partition
            RETURNING o.subscription_id, o.partition, o.channel_id, o.next_out_seq - c.count AS first_seq)
        INSERT INTO onceward.outbox (channel_id, seq, topic, key, value, headers)
        SELECT counted.channel_id, counted.first_seq + m.ordinal, m.topic, m.key, m.value, m.headers
          FROM m JOIN counted USING (subscription_id, partition)
        """;

    private const string ResolveLetters = """
        WITH resolved AS (UPDATE onceward.dead_letter SET state = $2 WHERE id = ANY ($1) RETURNING id)
        INSERT INTO onceward.dead_letter_history (dead_letter_id, event, by, detail) SELECT id, $3, $4, $5 FROM resolved
        """;
}

/// <summary>A key whose turn it is.</summary>
internal sealed record DueKey(int Subscription, byte[] KeyId, byte[]? Key, int Attempts);

/// <summary>A parked record and its place.</summary>
internal sealed record Arrival(long Number, Record Record, long? DeadLetter);

/// <summary>How the record at the head stands: what it failed with last, how often, and until when it waits, if not for a person.</summary>
internal readonly record struct HeadState(int Attempts, TimeSpan? Pause, Exception? Error);
