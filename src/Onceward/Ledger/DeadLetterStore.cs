using System.Text;
using Npgsql;
using NpgsqlTypes;
using Onceward.Handling;
using Onceward.Outbox;

namespace Onceward.Ledger;

/// <summary>Writes dead letters, in the transaction that passes over them.</summary>
internal static class DeadLetterStore
{
    public static NpgsqlBatchCommand Insert(DeadLetter letter)
    {
        var record = letter.Record;
        // Whatever a producer put into the header: null, and what is no trace id, are passed over.
        var traceParent = record.Message.Headers is { } headers && headers.TryGetLastBytes(OncewardHeaders.TraceParent, out var bytes)
            ? Encoding.UTF8.GetString(bytes ?? []).Split('-') : [];
        return new NpgsqlBatchCommand(InsertRow)
        {
            Parameters =
            {
                new NpgsqlParameter<int> { TypedValue = letter.Subscription.Id },
                new NpgsqlParameter<int> { TypedValue = record.Partition.Value },
                new NpgsqlParameter<long> { TypedValue = record.Offset.Value },
                new NpgsqlParameter { Value = (object?)record.Message.Key ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bytea },
                new NpgsqlParameter { Value = (object?)record.Message.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bytea },
                new NpgsqlParameter<byte[]> { TypedValue = HeaderCodec.Encode(record.Message.Headers ?? []) },
                new NpgsqlParameter<long> { TypedValue = record.Message.Timestamp.UnixTimestampMs },
                new NpgsqlParameter<string> { TypedValue = letter.Reason },
                new NpgsqlParameter<string> { TypedValue = Text.Storable(letter.Error.ToString()) },
                new NpgsqlParameter<int> { TypedValue = letter.Attempts },
                new NpgsqlParameter { Value = traceParent is [_, var traceId, ..] && traceId.All(char.IsAsciiHexDigit) ? traceId : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                new NpgsqlParameter { Value = (object?)letter.Arrival ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint },
            },
        };
    }

    private const string InsertRow = """
        INSERT INTO onceward.dead_letter (subscription_id, partition, "offset", key, value, headers, ts, reason, error, attempts, trace_id, arrival)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce($12, nextval('onceward.arrival')))
        """;
}
