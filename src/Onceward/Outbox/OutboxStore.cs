using Npgsql;

namespace Onceward.Outbox;

/// <summary>The database's side of the relay.</summary>
internal sealed class OutboxStore(NpgsqlDataSource database, string clusterId, RelayOwner owner)
{
    /// <summary>
    /// Of every channel of the slot that has something: the row before its position, if the table still has it, and the rows from the position
    /// on, <paramref name="limit"/> at most for each. One statement, so that all are of one moment.
    /// </summary>
    public async Task<List<ChannelRows>> ReadAsync(IReadOnlyDictionary<int, ChannelPosition> positions, int limit, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(ReadRows);
        await using var _ = command.ConfigureAwait(false);
        AddOwner(command);
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. positions.Keys] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. positions.Values.Select(p => p.NextSeq)] });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        var channels = new List<ChannelRows>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var row = new OutboxRow(
                reader.GetInt32(0), reader.GetInt64(2), reader.GetString(3), Bytes(reader, 4), Bytes(reader, 5), (byte[])reader[6]);
            if (channels.Count == 0 || channels[^1].Channel != row.Channel)
                channels.Add(new ChannelRows(row.Channel, reader.GetInt64(1), []));
            channels[^1].Rows.Add(row);
        }
        return channels;
    }

    /// <summary>The channels whose copy of the position says that they were published from, though nothing waits in them.</summary>
    public async Task<Dictionary<int, long>> RelayedAsync(CancellationToken cancellationToken)
    {
        var command = database.CreateCommand("SELECT id, relayed_seq FROM onceward.outbox_channel WHERE cluster_id = $1 AND application = $2 AND id % $3 = $4 AND relayed_seq > 0 AND retired_at IS NULL");
        await using var _ = command.ConfigureAwait(false);
        AddOwner(command);
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        var relayed = new Dictionary<int, long>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            relayed.Add(reader.GetInt32(0), reader.GetInt64(1));
        return relayed;
    }

    /// <summary>The channels whose messages go on in another one.</summary>
    public async Task<HashSet<int>> RetiredAsync(CancellationToken cancellationToken)
    {
        var command = database.CreateCommand("SELECT id FROM onceward.outbox_channel WHERE cluster_id = $1 AND application = $2 AND id % $3 = $4 AND retired_at IS NOT NULL");
        await using var _ = command.ConfigureAwait(false);
        AddOwner(command);
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        var retired = new HashSet<int>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            retired.Add(reader.GetInt32(0));
        return retired;
    }

    /// <summary>Copies positions to the channels and removes what is published, but for the last row of each, which proves the position.</summary>
    public async Task RecordRelayedAsync(IReadOnlyCollection<ChannelPosition> positions, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(RecordRelayed);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. positions.Select(p => p.Channel)] });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. positions.Select(p => p.NextSeq)] });
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Which database this is, and which branch of its history.</summary>
    public async Task<(string System, int Timeline)> IdentityAsync(CancellationToken cancellationToken)
    {
        var command = database.CreateCommand("SELECT s.system_identifier::text, c.timeline_id FROM pg_control_system() s, pg_control_checkpoint() c");
        await using var _ = command.ConfigureAwait(false);
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        return (reader.GetString(0), reader.GetInt32(1));
    }

    private void AddOwner(NpgsqlCommand command)
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = clusterId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = owner.Application });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = owner.Slots });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = owner.Slot });
    }

    private static byte[]? Bytes(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : (byte[])reader[column];

    private const string ReadRows = """
        SELECT c.id, c.relayed_seq, o.seq, o.topic, o.key, o.value, o.headers
          FROM onceward.outbox_channel c
          LEFT JOIN unnest($5, $6) AS p (channel_id, next_seq) ON p.channel_id = c.id
         CROSS JOIN LATERAL (
            SELECT * FROM onceward.outbox o
             WHERE o.channel_id = c.id AND o.seq >= coalesce(p.next_seq, 0) - 1
             ORDER BY o.seq LIMIT $7) o
         WHERE c.cluster_id = $1 AND c.application = $2 AND c.id % $3 = $4 AND c.retired_at IS NULL
         ORDER BY c.id, o.seq
        """;

    private const string RecordRelayed = """
        WITH done AS (
            UPDATE onceward.outbox_channel c SET relayed_seq = p.next_seq
              FROM unnest($1, $2) AS p (channel_id, next_seq)
             WHERE c.id = p.channel_id AND c.relayed_seq < p.next_seq
            RETURNING c.id, p.next_seq)
        DELETE FROM onceward.outbox o USING done WHERE o.channel_id = done.id AND o.seq < done.next_seq - 1
        """;
}

/// <summary>Whose channels a slot relays.</summary>
internal sealed record RelayOwner(string Application, int Slots, int Slot);

/// <summary>What the table holds of a channel, from the row before its position on.</summary>
/// <param name="Channel">The channel's id.</param>
/// <param name="RelayedSeq">The table's own, late copy of the position: a lower bound.</param>
/// <param name="Rows">In order.</param>
internal sealed record ChannelRows(int Channel, long RelayedSeq, List<OutboxRow> Rows);
