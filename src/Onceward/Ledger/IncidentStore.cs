using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Confluent.Kafka;
using Npgsql;
using NpgsqlTypes;
using Onceward.Handling;

namespace Onceward.Ledger;

/// <summary>Writes durable notes of what was stopped or skipped. The same open incident is noted once.</summary>
internal sealed class IncidentStore(NpgsqlDataSource database)
{
    public const string OffsetOutOfRange = "offset_out_of_range";
    public const string ChannelDiverged = "channel_diverged";
    public const string HeldKey = "key_held";
    public const string PartitionBlocked = "partition_blocked";
    public const string TransactionEnded = "transaction_ended";

    /// <summary>A key is held until a person decides: noted in the transaction that holds it.</summary>
    public static NpgsqlBatchCommand KeyHeld(int subscription, ConsumeResult<byte[], byte[]> head, Exception error)
    {
        var detail = new KeyHeldDetail(head.Message.Key is { } key ? Encoding.UTF8.GetString(key) : null, Failure.ReasonOf(error));
        return new NpgsqlBatchCommand(Insert)
        {
            Parameters =
            {
                new NpgsqlParameter<string> { TypedValue = HeldKey }, new NpgsqlParameter<int> { TypedValue = subscription },
                new NpgsqlParameter<int> { TypedValue = head.Partition.Value }, new NpgsqlParameter<long> { TypedValue = head.Offset.Value },
                new NpgsqlParameter<string>
                {
                    TypedValue = JsonSerializer.Serialize(detail, KeyHeldJson.Default.KeyHeldDetail).Replace("\\u0000", "\\uFFFD", StringComparison.Ordinal),
                    NpgsqlDbType = NpgsqlDbType.Jsonb,
                },
            },
        };
    }

    /// <summary>Says of open incidents of this kind about this partition that they are over by themselves.</summary>
    public async Task ResolveAsync(string kind, PartitionKey key, string by, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(
            "UPDATE onceward.incident SET resolved_by = $4 WHERE resolved_by IS NULL AND kind = $1 AND subscription_id = $2 AND partition = $3");
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = kind });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = key.Subscription });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = key.Partition });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = by });
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <param name="kind">One of the constants of this class.</param>
    /// <param name="key">The partition it is about, if it is about one.</param>
    /// <param name="fromOffset">Where it begins.</param>
    /// <param name="detailJson">What a person needs to decide: an object.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task NoteAsync(string kind, PartitionKey? key, long? fromOffset, string detailJson, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(Insert);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = kind });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)key?.Subscription ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)key?.Partition ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)fromOffset ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = detailJson, NpgsqlDbType = NpgsqlDbType.Jsonb });
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private const string Insert = """
        INSERT INTO onceward.incident (kind, subscription_id, partition, from_offset, detail)
        SELECT $1, $2, $3, $4, $5
         WHERE NOT EXISTS (
            SELECT FROM onceward.incident i
             WHERE i.resolved_by IS NULL AND i.kind = $1
               AND i.subscription_id IS NOT DISTINCT FROM $2 AND i.partition IS NOT DISTINCT FROM $3 AND i.detail = $5)
        """;
}

/// <summary>What is said of a held key.</summary>
internal sealed record KeyHeldDetail(string? Key, string Reason);

[JsonSerializable(typeof(KeyHeldDetail))]
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
internal sealed partial class KeyHeldJson : JsonSerializerContext;
