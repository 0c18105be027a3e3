using Npgsql;
using Onceward.Ledger;

namespace Onceward.Operations;

/// <summary>The statements behind <see cref="Incidents"/>.</summary>
internal sealed class IncidentOperations(NpgsqlDataSource database)
{
    public async Task<IReadOnlyList<Incident>> ListAsync(IncidentFilter filter, CancellationToken cancellationToken)
    {
        var command = database.CreateCommand($"SELECT {Columns} {Matching} AND ($7 OR i.resolved_by IS NULL) ORDER BY i.id LIMIT $6");
        AddTo(command, filter);
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = filter.Settled });
        return await Sql.ReadAsync(command, Read, cancellationToken).ConfigureAwait(false);
    }

    public Task<IReadOnlyList<SettledIncident>> ResolveAsync(IncidentFilter filter, Intervention intervention, CancellationToken cancellationToken) =>
        Sql.InTransactionAsync<IReadOnlyList<SettledIncident>>(database, intervention.DryRun, async transaction =>
        {
            var find = new NpgsqlCommand($"SELECT {Columns}, {Waiting} {Matching} AND i.resolved_by IS NULL ORDER BY i.id LIMIT $6 FOR UPDATE OF i", transaction.Connection, transaction);
            AddTo(find, filter);
            var found = await Sql.ReadAsync(
                find, r => new SettledIncident(Read(r), Refusal(r.GetString(2), stopped: r.GetBoolean(11), held: r.GetBoolean(12), channel: r.GetBoolean(13))), cancellationToken)
                .ConfigureAwait(false);
            await Sql.ExecuteAsync(
                transaction, "UPDATE onceward.incident SET resolved_by = $2, resolved_at = now() WHERE id = ANY ($1)", cancellationToken,
                new NpgsqlParameter<long[]> { TypedValue = [.. found.Where(f => f.Refusal is null).Select(f => f.Incident.Id)] }, Sql.Text(intervention.By)).ConfigureAwait(false);
            return (found, true);
        }, cancellationToken);

    private static string? Refusal(string kind, bool stopped, bool held, bool channel) => kind switch
    {
        IncidentStore.TopicRecreated or IncidentStore.RecordsLost or IncidentStore.LogTruncated or IncidentStore.LogDiverged or IncidentStore.OffsetOutOfRange
            or IncidentStore.BatchCorrupt or IncidentStore.TransactionEnded when stopped => "its partition is stopped: onceward offsets reset",
        IncidentStore.HeldKey when held => "its key is held: onceward parked",
        IncidentStore.ChannelDiverged when channel => "its channel stands still: onceward outbox release",
        _ => null,
    };

    private static void AddTo(NpgsqlCommand command, IncidentFilter filter)
    {
        foreach (var parameter in (NpgsqlParameter[])[Sql.Long(filter.Id), Sql.Text(filter.Kind), Sql.Text(filter.Worker), Sql.Text(filter.Topic), Sql.Int(filter.Partition), Sql.Int(filter.Limit)])
            command.Parameters.Add(parameter);
    }

    private static Incident Read(NpgsqlDataReader reader) => new(
        reader.GetInt64(0), reader.GetString(2), Or(reader, 3), Or(reader, 4), reader.IsDBNull(5) ? null : reader.GetInt32(5), LongAt(reader, 6), LongAt(reader, 7),
        reader.GetString(8), reader.GetFieldValue<DateTimeOffset>(1), Or(reader, 9), reader.IsDBNull(10) ? null : reader.GetFieldValue<DateTimeOffset>(10));

    private static string? Or(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static long? LongAt(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

    private const string Columns = "i.id, i.at, i.kind, s.worker, s.topic, i.partition, i.from_offset, i.to_offset, i.detail::text, i.resolved_by, i.resolved_at";

    // What still waits for a decision that the incident is about.
    private const string Waiting = """
        EXISTS (SELECT FROM onceward.consumer_offset o WHERE o.subscription_id = i.subscription_id AND o.partition = i.partition AND o.state = 'stopped' AND s.retired_at IS NULL),
        EXISTS (SELECT FROM onceward.parked_record r JOIN onceward.parked_key k USING (subscription_id, key_id)
                 WHERE r.subscription_id = i.subscription_id AND r.partition = i.partition AND r."offset" = i.from_offset AND k.state = 'held'),
        EXISTS (SELECT FROM onceward.outbox_channel c WHERE c.id::text = i.detail->>'channel' AND c.retired_at IS NULL)
        """;

    private const string Matching = """
          FROM onceward.incident i
          LEFT JOIN onceward.subscription s ON s.id = i.subscription_id
         WHERE ($1 IS NULL OR i.id = $1) AND ($2 IS NULL OR i.kind = $2) AND ($3 IS NULL OR s.worker = $3) AND ($4 IS NULL OR s.topic = $4)
           AND ($5 IS NULL OR i.partition = $5)
        """;
}
