using Confluent.Kafka;
using Insurance.Policies;
using Insurance.Sql;
using Npgsql;

namespace Insurance.Billing;

/// <summary>A row of <c>billing.contract_event</c>.</summary>
internal sealed record ContractEventRow(string EventId, string PolicyId, string Kind, string? Reason, TopicPartitionOffset At);

/// <summary>The tables <c>billing.contract</c> and <c>billing.contract_event</c>, a batch at a time.</summary>
internal static class ContractStore
{
    /// <summary>The contracts among <paramref name="ids"/> that exist.</summary>
    public static async Task<Dictionary<string, PolicyState>> ReadAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, string[] ids, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Select, connection, transaction)
        {
            Parameters = { new NpgsqlParameter<string[]> { TypedValue = ids } },
        };
        var contracts = new Dictionary<string, PolicyState>(ids.Length, StringComparer.Ordinal);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            contracts.Add(reader.GetString(0), new PolicyState(
                reader.GetString(1),
                PolicyStatusText.Parse(reader.GetString(2)),
                reader.GetFieldValue<DateOnly>(3),
                reader.GetFieldValue<DateOnly>(4),
                await reader.GetFieldValueAsync<DateOnly?>(5, cancellationToken)));
        }

        return contracts;
    }

    /// <summary>Writes contracts as they are after the batch.</summary>
    public static NpgsqlBatchCommand Write(IEnumerable<KeyValuePair<string, PolicyState>> changed)
    {
        // Always in the same order, so that a frozen owner of a partition and its successor wait for each other instead of deadlocking.
        var rows = changed.OrderBy(row => row.Key, StringComparer.Ordinal).ToArray();
        return new NpgsqlBatchCommand(Upsert)
        {
            Parameters =
            {
                rows.Column(row => row.Key),
                rows.Column(row => row.Value.HolderId),
                rows.Column(row => row.Value.Status.ToText()),
                rows.Column(row => row.Value.StartsOn),
                rows.Column(row => row.Value.EndsOn),
                rows.Column(row => row.Value.CancelledOn),
            },
        };
    }

    /// <summary>Appends rows in the order given, which is then that of their ids.</summary>
    public static NpgsqlBatchCommand Append(IReadOnlyList<ContractEventRow> rows) => new(Insert)
    {
        Parameters =
        {
            rows.Column(row => row.EventId),
            rows.Column(row => row.PolicyId),
            rows.Column(row => row.Kind),
            rows.Column(row => row.Reason is null ? Decision.AcceptedText : Decision.RejectedText),
            rows.Column(row => row.Reason),
            rows.Column(row => row.At.Partition.Value),
            rows.Column(row => row.At.Offset.Value),
        },
    };

    private const string Select = """
        SELECT policy_id, holder_id, state, starts_on, ends_on, cancelled_on
        FROM billing.contract WHERE policy_id = ANY ($1)
        """;

    private const string Upsert = """
        INSERT INTO billing.contract (policy_id, holder_id, state, starts_on, ends_on, cancelled_on)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6)
        ON CONFLICT (policy_id) DO UPDATE SET
            holder_id = excluded.holder_id, state = excluded.state, starts_on = excluded.starts_on, ends_on = excluded.ends_on,
            cancelled_on = excluded.cancelled_on, updated_at = now()
        """;

    private const string Insert = """
        INSERT INTO billing.contract_event (event_id, policy_id, kind, outcome, reason, partition, "offset")
        SELECT event_id, policy_id, kind, outcome, reason, partition, "offset"
        FROM unnest($1, $2, $3, $4, $5, $6, $7) WITH ORDINALITY
            AS row (event_id, policy_id, kind, outcome, reason, partition, "offset", place)
        ORDER BY place
        """;
}
