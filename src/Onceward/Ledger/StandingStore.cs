using Npgsql;
using NpgsqlTypes;

namespace Onceward.Ledger;

/// <summary>Reads where workers stand, for people: tools and the console.</summary>
internal sealed class StandingStore(NpgsqlDataSource database)
{
    /// <summary>Every partition of the workers and topics asked for, in their order; all of them where neither is given.</summary>
    public async Task<IReadOnlyList<Standing>> ListAsync(string? worker, string? topic, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand(List);
        await using var _ = command.ConfigureAwait(false);
        foreach (var value in (string?[])[worker, topic])
            command.Parameters.Add(new NpgsqlParameter { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        var standings = new List<Standing>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            standings.Add(new Standing(
                new PartitionKey(reader.GetInt32(0), reader.GetInt32(1)), reader.GetString(2), reader.GetString(3), reader.GetString(4), reader.GetString(5),
                reader.GetInt64(6), new Epoch(reader.GetInt64(7)), reader.GetString(8), await reader.IsDBNullAsync(9, cancellationToken).ConfigureAwait(false) ? null : reader.GetString(9),
                reader.GetString(10)));
        return standings;
    }

    private const string List = """
        SELECT o.subscription_id, o.partition, s.cluster_id, s.worker, s.topic, s.topic_id, o.next_offset, o.epoch, o.state, o.owner,
               coalesce((SELECT string_agg(DISTINCT i.kind, ' ' ORDER BY i.kind) FROM onceward.incident i
                          WHERE i.resolved_by IS NULL AND i.subscription_id = o.subscription_id AND i.partition = o.partition), '')
          FROM onceward.consumer_offset o
          JOIN onceward.subscription s ON s.id = o.subscription_id
         WHERE ($1 IS NULL OR s.worker = $1) AND ($2 IS NULL OR s.topic = $2)
         ORDER BY s.worker, s.topic, s.id, o.partition
        """;
}

/// <summary>Where a worker stands on one partition.</summary>
/// <param name="Key">The ledger's row.</param>
/// <param name="ClusterId">The cluster that the offsets are of.</param>
/// <param name="Worker">The worker.</param>
/// <param name="Topic">The topic.</param>
/// <param name="TopicId">The incarnation of the topic.</param>
/// <param name="NextOffset">What is applied next.</param>
/// <param name="Epoch">How often the partition was claimed.</param>
/// <param name="State">Whether it is worked on.</param>
/// <param name="Owner">Who claimed it last.</param>
/// <param name="OpenIncidents">The kinds of what was noted about it and is not settled, separated by spaces.</param>
internal sealed record Standing(
    PartitionKey Key, string ClusterId, string Worker, string Topic, string TopicId, long NextOffset, Epoch Epoch, string State, string? Owner, string OpenIncidents);
