using System.Security.Cryptography;
using System.Buffers.Binary;
using Npgsql;
using NpgsqlTypes;
using Onceward.Handling;
using Onceward.Lanes;

namespace Onceward.Ledger;

/// <summary>The compare-and-swap that everything rests on, and the look at its rows when the outcome of a COMMIT is unknown.</summary>
internal static class OffsetStore
{
    /// <summary>
    /// Moves the offset rows of all segments, gives the messages their numbers, and returns the rows that were where we believed them to be. A
    /// row that is not returned was moved by someone else: the transaction must be rolled back.
    /// </summary>
    /// <remarks>Model: <c>Commit</c> and <c>Fenced</c>. The row locks are taken last in the transaction and held only until its end.</remarks>
    public static NpgsqlBatchCommand Swap(IReadOnlyList<Segment> segments, IReadOnlyList<OutgoingMessage> messages)
    {
        var counts = new Dictionary<PartitionKey, int>(segments.Count);
        var ordinals = new int[messages.Count];
        for (var i = 0; i < messages.Count; i++)
        {
            var key = new PartitionKey(messages[i].Subscription, messages[i].Partition);
            ordinals[i] = counts.GetValueOrDefault(key);
            counts[key] = ordinals[i] + 1;
        }
        var command = new NpgsqlBatchCommand(messages.Count > 0 ? SwapAndQueueRows : SwapRows);
        var parameters = command.Parameters;
        parameters.Add(Array(segments, s => s.Key.Subscription));
        parameters.Add(Array(segments, s => s.Key.Partition));
        parameters.Add(Array(segments, s => s.From));
        parameters.Add(Array(segments, s => s.Claim.Epoch.Value));
        parameters.Add(Array(segments, s => s.Until));
        parameters.Add(Array(segments, s => (long)counts.GetValueOrDefault(s.Key)));
        parameters.Add(Array(segments, s => s.Last?.Offset.Value));
        parameters.Add(Array(segments, s => s.Last is { } last ? last.LeaderEpoch : null));
        parameters.Add(Array(segments, s => s.Last?.Message.Timestamp.UnixTimestampMs));
        parameters.Add(Array(segments, s => s.Last is { } last ? RecordHash(last) : (long?)null));
        if (messages.Count > 0)
        {
            parameters.Add(Array(messages, m => m.Subscription));
            parameters.Add(Array(messages, m => m.Partition));
            parameters.Add(new NpgsqlParameter<int[]> { TypedValue = ordinals });
            parameters.Add(Array(messages, m => m.Topic));
            parameters.Add(Bytes(messages, m => m.Key));
            parameters.Add(Bytes(messages, m => m.Value));
            parameters.Add(Bytes(messages, m => m.Headers));
        }
        return command;
    }

    /// <summary>What the rows say now. Read on a connection that never saw the transaction in doubt. Model: <c>Resolve</c>.</summary>
    public static async Task<Dictionary<PartitionKey, OffsetRow>> ReadAsync(
        NpgsqlDataSource database, IReadOnlyCollection<PartitionKey> keys, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(ReadRows);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. keys.Select(k => k.Subscription)] });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. keys.Select(k => k.Partition)] });
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        var rows = new Dictionary<PartitionKey, OffsetRow>(keys.Count);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var row = Row(reader);
            rows.Add(row.Key, row);
        }
        return rows;
    }

    public static OffsetRow Row(NpgsqlDataReader reader) => new(
        new PartitionKey(reader.GetInt32(0), reader.GetInt32(1)), reader.GetInt64(2), new Epoch(reader.GetInt64(3)), reader.GetBoolean(4),
        reader.IsDBNull(5) ? null : new Anchor(reader.GetInt64(5), reader.IsDBNull(6) ? null : reader.GetInt32(6), reader.GetInt64(7), reader.GetInt64(8)));

    /// <summary>What <see cref="Row"/> reads, of a row that the statement calls <c>o</c>.</summary>
    internal const string Columns =
        "o.subscription_id, o.partition, o.next_offset, o.epoch, o.state = 'running', o.anchor_offset, o.anchor_leader_epoch, o.anchor_ts, o.anchor_hash";

    /// <summary>Tells two records at the same offset apart: the first 64 bits of SHA-256 over key and value. Not for secrets.</summary>
    public static long RecordHash(Record record) => Hash(record.Message.Key, record.Message.Value);

    internal static long Hash(params ReadOnlySpan<byte[]?> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[4];
        foreach (var part in parts)
        {
            // Lengths keep ("a", "bc") and ("ab", "c") apart, and null from empty.
            BinaryPrimitives.WriteInt32BigEndian(length, part?.Length ?? -1);
            hash.AppendData(length);
            hash.AppendData(part.AsSpan());
        }
        Span<byte> digest = stackalloc byte[32];
        hash.GetHashAndReset(digest);
        return BinaryPrimitives.ReadInt64BigEndian(digest);
    }

    private static NpgsqlParameter<TValue[]> Array<T, TValue>(IReadOnlyList<T> items, Func<T, TValue> value)
    {
        var values = new TValue[items.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = value(items[i]);
        return new NpgsqlParameter<TValue[]> { TypedValue = values };
    }

    private static NpgsqlParameter<byte[]?[]> Bytes<T>(IReadOnlyList<T> items, Func<T, byte[]?> value)
    {
        var parameter = Array(items, value);
        parameter.NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea;
        return parameter;
    }

    private const string SwapUpdate = """
            UPDATE onceward.consumer_offset o
               SET next_offset = b.until,
                   next_out_seq = o.next_out_seq + b.out_count,
                   anchor_offset = coalesce(b.anchor_offset, o.anchor_offset),
                   -- A record may have none: an older one's must not stand beside it.
                   anchor_leader_epoch = CASE WHEN b.anchor_offset IS NULL THEN o.anchor_leader_epoch ELSE b.anchor_leader_epoch END,
                   anchor_ts = coalesce(b.anchor_ts, o.anchor_ts),
                   anchor_hash = coalesce(b.anchor_hash, o.anchor_hash),
                   updated_at = now()
              FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS b (
                   subscription_id, partition, expected, epoch, until, out_count, anchor_offset, anchor_leader_epoch, anchor_ts, anchor_hash)
             WHERE o.subscription_id = b.subscription_id AND o.partition = b.partition
               AND o.next_offset = b.expected AND o.epoch = b.epoch AND o.state = 'running'
        """;

    private const string SwapRows = SwapUpdate + """

         RETURNING o.subscription_id, o.partition
        """;

    private const string SwapAndQueueRows = "WITH moved AS (" + SwapUpdate + """

         RETURNING o.subscription_id, o.partition, o.channel_id, o.next_out_seq - b.out_count AS first_seq),
        queued AS (
            INSERT INTO onceward.outbox (channel_id, seq, topic, key, value, headers)
            SELECT moved.channel_id, moved.first_seq + m.ordinal, m.topic, m.key, m.value, m.headers
              FROM unnest($11, $12, $13, $14, $15, $16, $17) AS m (subscription_id, partition, ordinal, topic, key, value, headers)
              JOIN moved USING (subscription_id, partition))
        SELECT subscription_id, partition FROM moved
        """;

    private const string ReadRows = $"""
        SELECT {Columns}
          FROM onceward.consumer_offset o
          JOIN unnest($1, $2) AS k (subscription_id, partition) USING (subscription_id, partition)
        """;
}
