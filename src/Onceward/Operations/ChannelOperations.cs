using Npgsql;
using Onceward.Ledger;

namespace Onceward.Operations;

/// <summary>The statements behind <see cref="OutboxChannels"/>.</summary>
/// <remarks><b>Lock order:</b> the offset row, then the channel. A batch that waits for the row finds the new channel in it.</remarks>
internal sealed class ChannelOperations(NpgsqlDataSource database)
{
    public async Task<IReadOnlyList<OutboxChannel>> ListAsync(string? worker, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(List);
        command.Parameters.Add(Sql.Text(worker));
        return await Sql.ReadAsync(command, r => new OutboxChannel(
            r.GetInt32(0), r.GetString(1), r.GetString(2), r.GetString(3), r.GetInt32(4), r.GetInt64(5), r.GetInt64(6), r.GetBoolean(7)), cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<WaitingMessage>> RowsAsync(int channel, int limit, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand("SELECT seq, topic, key, value, created_at FROM onceward.outbox WHERE channel_id = $1 ORDER BY seq LIMIT $2");
        command.Parameters.Add(Sql.Int(channel));
        command.Parameters.Add(Sql.Int(limit));
        return await Sql.ReadAsync(command, r => new WaitingMessage(
            r.GetInt64(0), r.GetString(1), Sql.BytesAt(r, 2), Sql.BytesAt(r, 3), r.GetFieldValue<DateTimeOffset>(4)), cancellationToken).ConfigureAwait(false);
    }

    public Task<ReleasedChannel> ReleaseAsync(int channel, long fromSeq, Intervention intervention, CancellationToken cancellationToken) =>
        Sql.InTransactionAsync(database, intervention.DryRun, async transaction =>
        {
            var held = await ReadAsync(transaction, Hold, cancellationToken, Sql.Int(channel)).ConfigureAwait(false);
            if (held is not [1])
                throw OffsetOperations.Refused($"There is no channel {channel} that a worker writes to: see onceward outbox show.");
            var settled = await Sql.ExecuteAsync(transaction, IncidentStore.ResolveChannel, cancellationToken, Sql.Int(channel), Sql.Text(intervention.By)).ConfigureAwait(false);
            if (settled == 0)
                throw OffsetOperations.Refused($"Channel {channel} does not stand still: no relay has stopped it.");
            await Sql.ExecuteAsync(transaction, Retire, cancellationToken, Sql.Int(channel)).ConfigureAwait(false);
            var successor = (await ReadAsync(transaction, Succeed, cancellationToken, Sql.Int(channel)).ConfigureAwait(false))[0];
            var published = await Sql.ExecuteAsync(transaction, MoveRows, cancellationToken, Sql.Int(channel), Sql.Int(successor), Sql.Long(fromSeq)).ConfigureAwait(false);
            var dropped = await Sql.ExecuteAsync(transaction, "DELETE FROM onceward.outbox WHERE channel_id = $1", cancellationToken, Sql.Int(channel)).ConfigureAwait(false);
            await Sql.ExecuteAsync(transaction, MoveOffset, cancellationToken, Sql.Int(channel), Sql.Int(successor), Sql.Int(published)).ConfigureAwait(false);
            await Sql.ExecuteAsync(
                transaction, Note, cancellationToken, Sql.Int(successor), Sql.Int(channel), Sql.Long(fromSeq), Sql.Int(published), Sql.Int(dropped),
                Sql.Text(IncidentStore.ChannelReleased), Sql.Text(intervention.By)).ConfigureAwait(false);
            return (new ReleasedChannel(channel, successor, published, dropped), true);
        }, cancellationToken);

    private static Task<List<int>> ReadAsync(NpgsqlTransaction transaction, string sql, CancellationToken cancellationToken, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlCommand(sql, transaction.Connection, transaction);
        command.Parameters.AddRange(parameters);
        return Sql.ReadAsync(command, r => r.GetInt32(0), cancellationToken);
    }

    private const string List = """
        SELECT c.id, c.application, s.worker, s.topic, o.partition, o.next_out_seq, c.relayed_seq,
               EXISTS (SELECT FROM onceward.incident i WHERE i.resolved_by IS NULL AND i.kind = 'channel_diverged' AND i.detail->>'channel' = c.id::text)
          FROM onceward.outbox_channel c
          JOIN onceward.consumer_offset o ON o.channel_id = c.id
          JOIN onceward.subscription s ON s.id = o.subscription_id
         WHERE s.retired_at IS NULL AND ($1 IS NULL OR s.worker = $1)
         ORDER BY s.worker, s.topic, s.id, o.partition
        """;

    private const string Hold = "SELECT 1 FROM onceward.consumer_offset WHERE channel_id = $1 FOR UPDATE";

    // The place under its name is its successor's.
    private const string Retire = "UPDATE onceward.outbox_channel SET retired_at = now(), source = source || '~' || id WHERE id = $1";

    private const string Succeed = """
        INSERT INTO onceward.outbox_channel (cluster_id, application, kind, source)
        SELECT cluster_id, application, kind, left(source, -length('~' || id)) FROM onceward.outbox_channel WHERE id = $1
        RETURNING id
        """;

    private const string MoveRows = """
        WITH moved AS (DELETE FROM onceward.outbox WHERE channel_id = $1 AND seq >= $3 RETURNING seq, topic, key, value, headers, created_at)
        INSERT INTO onceward.outbox (channel_id, seq, topic, key, value, headers, created_at)
        SELECT $2, row_number() OVER (ORDER BY seq) - 1, topic, key, value, headers, created_at FROM moved
        """;

    private const string MoveOffset = "UPDATE onceward.consumer_offset SET channel_id = $2, next_out_seq = $3, updated_at = now() WHERE channel_id = $1";

    private const string Note = """
        INSERT INTO onceward.incident (kind, subscription_id, partition, from_offset, detail, resolved_by, resolved_at)
        SELECT $6, subscription_id, partition, $3, jsonb_build_object('channel', $2::int, 'successor', $1::int, 'published', $4::int, 'dropped', $5::int), $7, now()
          FROM onceward.consumer_offset WHERE channel_id = $1
        """;
}
