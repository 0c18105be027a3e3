using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Confluent.Kafka;
using Npgsql;
using NpgsqlTypes;
using Onceward.Handling;

namespace Onceward.Ledger;

/// <summary>Writes durable notes of what was stopped, skipped or decided. The same open incident is noted once.</summary>
internal sealed class IncidentStore(NpgsqlDataSource database)
{
    // What stops a partition.
    public const string TopicRecreated = "topic_recreated";
    public const string RecordsLost = "records_lost";
    public const string LogTruncated = "log_truncated";
    public const string LogDiverged = "log_diverged";
    public const string OffsetOutOfRange = "offset_out_of_range";
    public const string BatchCorrupt = "batch_corrupt";
    public const string TransactionEnded = "transaction_ended";

    // What a person should look at.
    public const string ChannelDiverged = "channel_diverged";
    public const string HeldKey = "key_held";
    public const string PartitionBlocked = "partition_blocked";
    public const string TopicMissing = "topic_missing";
    public const string TransactionHung = "transaction_hung";
    public const string PartitionsGrown = "partitions_grown";
    public const string OwnersFenceEachOther = "owners_fence_each_other";
    public const string RowHeld = "row_held";
    public const string InstanceFenced = "instance_fenced";

    // What was decided without one.
    public const string FrozenOwnerEnded = "frozen_owner_ended";
    public const string StartedAtLatest = "started_at_latest";
    public const string GroupAdopted = "group_adopted";
    public const string WorkerRenamed = "worker_renamed";
    public const string TransactionHalfCommitted = "transaction_half_committed";

    // What a person decided.
    public const string OffsetsReset = "offsets_reset";
    public const string OrderBroken = "order_broken";
    public const string ChannelReleased = "channel_released";

    /// <summary>Who resolved what needed nobody.</summary>
    public const string Automatic = "automatic";

    /// <summary>A key is held until a person decides: noted in the transaction that holds it.</summary>
    public static NpgsqlBatchCommand KeyHeld(int subscription, ConsumeResult<byte[], byte[]> head, Exception error) => new(Insert)
    {
        Parameters =
        {
            new NpgsqlParameter<string> { TypedValue = HeldKey }, new NpgsqlParameter<int> { TypedValue = subscription },
            new NpgsqlParameter<int> { TypedValue = head.Partition.Value }, new NpgsqlParameter<long> { TypedValue = head.Offset.Value },
            new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint },
            new NpgsqlParameter<string> { TypedValue = HeldDetail(head.Message.Key, error), NpgsqlDbType = NpgsqlDbType.Jsonb },
            new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
        },
    };

    /// <summary>What is said of a held key, as JSON.</summary>
    public static string HeldDetail(byte[]? key, Exception error) =>
        JsonSerializer.Serialize(new KeyHeldDetail(key is null ? null : Encoding.UTF8.GetString(key), Failure.ReasonOf(error)), KeyHeldJson.Default.KeyHeldDetail)
            .Replace("\\u0000", "\\uFFFD", StringComparison.Ordinal);

    /// <summary>Says of open incidents of this kind about this partition that they are over by themselves.</summary>
    public async Task ResolveAsync(string kind, PartitionKey key, string by, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(
            "UPDATE onceward.incident SET resolved_by = $4, resolved_at = now() WHERE resolved_by IS NULL AND kind = $1 AND subscription_id = $2 AND partition = $3");
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = kind });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = key.Subscription });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = key.Partition });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = by });
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The channels of which an incident says that they stand still.</summary>
    public async Task<HashSet<int>> DivergedChannelsAsync(CancellationToken cancellationToken)
    {
        var command = database.CreateCommand($"SELECT (detail->>'channel')::int FROM onceward.incident WHERE resolved_by IS NULL AND kind = '{ChannelDiverged}'");
        await using var _ = command.ConfigureAwait(false);
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        var channels = new HashSet<int>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            channels.Add(reader.GetInt32(0));
        return channels;
    }

    /// <summary>Says that a channel does not stand still any more.</summary>
    public async Task ResolveChannelAsync(int channel, string by, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(ResolveChannel);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = channel });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = by });
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <param name="kind">One of the constants of this class.</param>
    /// <param name="key">The partition it is about, if it is about one.</param>
    /// <param name="fromOffset">Where it begins.</param>
    /// <param name="detailJson">What a person needs to decide: an object.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="resolvedBy">Who resolved it, for a note of something that is over.</param>
    /// <param name="toOffset">Where it ends.</param>
    public async Task NoteAsync(
        string kind, PartitionKey? key, long? fromOffset, string detailJson, CancellationToken cancellationToken, string? resolvedBy = null, long? toOffset = null)
    {
        var command = database.CreateCommand(Insert);
        await using var _ = command.ConfigureAwait(false);
        Add(command, kind, key, fromOffset, toOffset, detailJson);
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)resolvedBy ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops a partition that we own, and notes why, in one statement. Nothing happens if somebody else owns it by now.</summary>
    public async Task StopAsync(
        string kind, PartitionKey key, Epoch epoch, long? fromOffset, long? toOffset, string detailJson, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(Stop);
        await using var _ = command.ConfigureAwait(false);
        Add(command, kind, key, fromOffset, toOffset, detailJson);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = epoch.Value });
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private static void Add(NpgsqlCommand command, string kind, PartitionKey? key, long? fromOffset, long? toOffset, string detailJson)
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = kind });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)key?.Subscription ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)key?.Partition ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)fromOffset ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)toOffset ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = detailJson, NpgsqlDbType = NpgsqlDbType.Jsonb });
    }

    internal const string ResolveChannel =
        $"UPDATE onceward.incident SET resolved_by = $2, resolved_at = now() WHERE resolved_by IS NULL AND kind = '{ChannelDiverged}' AND detail->>'channel' = $1::text";

    private const string NotNotedYet = """
        NOT EXISTS (
            SELECT FROM onceward.incident i
             WHERE i.resolved_by IS NULL AND i.kind = $1
               AND i.subscription_id IS NOT DISTINCT FROM $2 AND i.partition IS NOT DISTINCT FROM $3 AND i.detail = $6)
        """;

    private const string Insert = $"""
        INSERT INTO onceward.incident (kind, subscription_id, partition, from_offset, to_offset, detail, resolved_by, resolved_at)
        SELECT $1, $2, $3, $4, $5, $6, $7, CASE WHEN $7 IS NOT NULL THEN now() END
         WHERE {NotNotedYet}
        """;

    private const string Stop = $"""
        WITH stopped AS (
            UPDATE onceward.consumer_offset SET state = 'stopped', updated_at = now()
             WHERE subscription_id = $2 AND partition = $3 AND epoch = $7 AND state = 'running'
            RETURNING 1)
        INSERT INTO onceward.incident (kind, subscription_id, partition, from_offset, to_offset, detail)
        SELECT $1, $2, $3, $4, $5, $6 FROM stopped
         WHERE {NotNotedYet}
        """;
}

/// <summary>What is said of a held key.</summary>
internal sealed record KeyHeldDetail(string? Key, string Reason);

[JsonSerializable(typeof(KeyHeldDetail))]
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
internal sealed partial class KeyHeldJson : JsonSerializerContext;
