using Npgsql;

namespace Onceward.Ledger;

/// <summary>Finds or creates the row that stands for one worker on one incarnation of a topic.</summary>
internal sealed class SubscriptionStore(NpgsqlDataSource database)
{
    /// <summary>The id of the subscription.</summary>
    /// <exception cref="OncewardException">
    /// The ledger knows another incarnation of the topic: it was deleted and created again, and its offsets mean other records now.
    /// </exception>
    public async Task<int> EnsureAsync(string clusterId, string worker, string topic, string topicId, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(Ensure);
        await using var _ = command.ConfigureAwait(false);
        foreach (var value in (string[])[clusterId, worker, topic, topicId])
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = value });
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        if (await reader.IsDBNullAsync(1, cancellationToken).ConfigureAwait(false))
            return await reader.GetFieldValueAsync<int>(0, cancellationToken).ConfigureAwait(false);
        throw new OncewardException(
            ErrorCodes.Topic,
            $"Topic '{topic}' has id {topicId}, but worker '{worker}' has applied offsets of its former incarnation {reader.GetString(1)}: it was deleted and created again. Nothing is read, because the old offsets mean other records now. If the new topic is to be read from its start, delete the rows of that subscription (id {reader.GetInt32(0)}) from onceward.consumer_offset and onceward.subscription.");
    }

    // A second incarnation is answered with the id of the first, and nothing is inserted.
    private const string Ensure = """
        WITH former AS (
            SELECT id, topic_id FROM onceward.subscription
             WHERE cluster_id = $1 AND worker = $2 AND topic = $3 AND topic_id <> $4
             ORDER BY id DESC LIMIT 1),
        mine AS (
            INSERT INTO onceward.subscription (cluster_id, worker, topic, topic_id)
            SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM former)
            ON CONFLICT (cluster_id, worker, topic, topic_id) DO UPDATE SET topic = excluded.topic
            RETURNING id)
        SELECT id, NULL FROM mine UNION ALL SELECT id, topic_id FROM former
        """;
}
