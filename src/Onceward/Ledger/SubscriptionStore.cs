using Npgsql;
using NpgsqlTypes;

namespace Onceward.Ledger;

/// <summary>Finds or creates the row that stands for one worker on one incarnation of a topic of one cluster.</summary>
internal sealed class SubscriptionStore(NpgsqlDataSource database)
{
    /// <summary>
    /// The subscription that the worker goes on with. Where the ledger knows another incarnation of the topic, that one: its claims find the
    /// difference and stop. An operator decides to begin anew.
    /// </summary>
    /// <param name="clusterId">The cluster that the worker reads from.</param>
    /// <param name="worker">Its name.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="topicId">The id that the topic has now.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="renamedFrom">The name under which the ledger may know the worker.</param>
    /// <param name="severalClusters">Whether the worker may read the topic of a second cluster as well.</param>
    /// <exception cref="OncewardException">The ledger holds this worker's offsets of another cluster, where they mean other records.</exception>
    public async Task<SubscriptionRow> EnsureAsync(
        string clusterId, string worker, string topic, string topicId, CancellationToken cancellationToken, string? renamedFrom = null, bool severalClusters = false)
    {
        var connection = await database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = connection.ConfigureAwait(false);
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = transaction.ConfigureAwait(false);
        // Processes that start at once decide one after the other.
        await ExecuteAsync(connection, Lock, cancellationToken, worker, topic).ConfigureAwait(false);
        if (renamedFrom is not null)
            await ExecuteAsync(connection, Rename, cancellationToken, worker, topic, renamedFrom).ConfigureAwait(false);
        var known = await FindAsync(connection, worker, topic, cancellationToken).ConfigureAwait(false);
        if (known.Count == 0)
            await RequireNotRenamedAsync(connection, worker, topic, cancellationToken).ConfigureAwait(false);
        var row = Choose(known, clusterId, worker, topic, topicId, severalClusters)
            ?? await InsertAsync(connection, clusterId, worker, topic, topicId, cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return row;
    }

    /// <summary>Remembers how many partitions the topic has, and notes an incident if there are more than before.</summary>
    public async Task NotePartitionsAsync(int subscription, int partitions, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(NotePartitions);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = subscription });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = partitions });
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private static SubscriptionRow? Choose(
        List<Known> known, string clusterId, string worker, string topic, string topicId, bool severalClusters)
    {
        if (known.Find(k => k.ClusterId == clusterId && k.TopicId == topicId) is { } same)
            return !same.IsRetired ? new SubscriptionRow(same.Id, same.TopicId) : throw new OncewardException(
                ErrorCodes.Topic, $"Worker '{worker}' was moved away from topic '{topic}' (id {topicId}) of cluster {clusterId} by an operator. Nothing is read until an operator takes it up again in the ledger.");
        if (known.Find(k => k.ClusterId == clusterId && !k.IsRetired) is { } former)
            return new SubscriptionRow(former.Id, former.TopicId);
        if (!severalClusters && known.Find(k => k.ClusterId != clusterId && !k.IsRetired) is { } other)
            throw new OncewardException(
                ErrorCodes.Cluster, $"Worker '{worker}' would read topic '{topic}' of cluster {clusterId}, but the ledger holds its offsets of cluster {other.ClusterId}, which mean other records here. Nothing is read. If it moved, an operator has to set its positions there: onceward offsets reset --new-cluster. If it reads both clusters: set SeveralClusters. If neither, correct the bootstrap servers.");
        return null;
    }

    private static async Task<List<Known>> FindAsync(NpgsqlConnection connection, string worker, string topic, CancellationToken cancellationToken)
    {
        var command = Command(connection, Find, worker, topic);
        await using var _ = command.ConfigureAwait(false);
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        var known = new List<Known>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            known.Add(new Known(reader.GetInt32(0), reader.GetString(1), reader.GetString(2), reader.GetBoolean(3)));
        return known;
    }

    /// <summary>A process of the old name that starts once more must not apply everything again.</summary>
    private static async Task RequireNotRenamedAsync(NpgsqlConnection connection, string worker, string topic, CancellationToken cancellationToken)
    {
        var command = Command(connection, RenamedTo, worker, topic);
        await using var _ = command.ConfigureAwait(false);
        if (await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is string name)
            throw new OncewardException(
                ErrorCodes.Topic, $"Worker '{worker}' was renamed to '{name}', which has its offsets of topic '{topic}'. Under the old name everything would be applied again; nothing is read. Deploy '{name}', or set RenamedFrom(\"{name}\") to go back. A new worker needs another name.");
    }

    private static async Task<SubscriptionRow> InsertAsync(
        NpgsqlConnection connection, string clusterId, string worker, string topic, string topicId, CancellationToken cancellationToken)
    {
        var command = Command(connection, Insert, clusterId, worker, topic, topicId);
        await using var _ = command.ConfigureAwait(false);
        return new SubscriptionRow((int)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!, topicId);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params string[] values)
    {
        var command = Command(connection, sql, values);
        await using var _ = command.ConfigureAwait(false);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params string[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Text });
        return command;
    }

    private sealed record Known(int Id, string ClusterId, string TopicId, bool IsRetired);

    internal const string Lock = "SELECT pg_advisory_xact_lock(hashtextextended('onceward.subscription/' || $1 || '/' || $2, 0))";

    private const string Find = """
        SELECT id, cluster_id, topic_id, retired_at IS NOT NULL FROM onceward.subscription WHERE worker = $1 AND topic = $2 ORDER BY id DESC
        """;

    private const string Insert = """
        INSERT INTO onceward.subscription (cluster_id, worker, topic, topic_id) VALUES ($1, $2, $3, $4) RETURNING id
        """;

    // Everything that hangs on the subscription comes along: offsets, channel, event ids. Whoever still runs under the old name is fenced.
    private const string Rename = $"""
        WITH renamed AS (
            UPDATE onceward.subscription SET worker = $1
             WHERE worker = $3 AND topic = $2 AND retired_at IS NULL
               AND NOT EXISTS (SELECT FROM onceward.subscription s WHERE s.worker = $1 AND s.topic = $2)
            RETURNING id),
        fenced AS (
            UPDATE onceward.consumer_offset o SET epoch = o.epoch + 1 FROM renamed WHERE o.subscription_id = renamed.id)
        INSERT INTO onceward.incident (kind, subscription_id, detail, resolved_by, resolved_at)
        SELECT '{IncidentStore.WorkerRenamed}', id, jsonb_build_object('from', $3, 'to', $1), '{IncidentStore.Automatic}', now() FROM renamed
        """;

    private const string RenamedTo = $"""
        SELECT s.worker FROM onceward.incident i JOIN onceward.subscription s ON s.id = i.subscription_id
         WHERE i.kind = '{IncidentStore.WorkerRenamed}' AND i.detail->>'from' = $1 AND s.topic = $2 AND s.retired_at IS NULL LIMIT 1
        """;

    private const string NotePartitions = $"""
        WITH before AS (
            SELECT id, partitions FROM onceward.subscription WHERE id = $1 AND partitions IS DISTINCT FROM $2 FOR UPDATE),
        noted AS (
            UPDATE onceward.subscription s SET partitions = $2 FROM before WHERE s.id = before.id AND (before.partitions IS NULL OR before.partitions < $2))
        INSERT INTO onceward.incident (kind, subscription_id, detail)
        SELECT '{IncidentStore.PartitionsGrown}', id, jsonb_build_object(
               'from', partitions, 'to', $2, 'consequence', 'keys moved: their order across this moment is not kept, by any consumer of the topic')
          FROM before WHERE partitions < $2
        """;
}

/// <summary>A subscription, and the incarnation of the topic that its offsets are of.</summary>
internal readonly record struct SubscriptionRow(int Id, string TopicId);
