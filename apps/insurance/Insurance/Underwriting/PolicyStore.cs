using Insurance.Policies;
using Insurance.Sql;
using Npgsql;

namespace Insurance.Underwriting;

/// <summary>The table <c>underwriting.policy</c>, a batch at a time.</summary>
internal static class PolicyStore
{
    /// <summary>The policies among <paramref name="ids"/> that exist.</summary>
    public static async Task<Dictionary<string, Policy>> ReadAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, string[] ids, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Select, connection, transaction)
        {
            Parameters = { new NpgsqlParameter<string[]> { TypedValue = ids } },
        };
        var policies = new Dictionary<string, Policy>(ids.Length, StringComparer.Ordinal);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var state = new PolicyState(
                reader.GetString(1),
                PolicyStatusText.Parse(reader.GetString(2)),
                reader.GetFieldValue<DateOnly>(3),
                reader.GetFieldValue<DateOnly>(4),
                await reader.GetFieldValueAsync<DateOnly?>(5, cancellationToken));
            var policy = new Policy(reader.GetString(0), state, new Kopecks(reader.GetInt64(6)));
            policies.Add(policy.Id, policy);
        }

        return policies;
    }

    /// <summary>Writes policies as they are after the batch.</summary>
    public static NpgsqlBatchCommand Write(IEnumerable<Policy> changed)
    {
        // Always in the same order, so that a frozen owner of a partition and its successor wait for each other instead of deadlocking.
        var rows = changed.OrderBy(policy => policy.Id, StringComparer.Ordinal).ToArray();
        return new NpgsqlBatchCommand(Upsert)
        {
            Parameters =
            {
                rows.Column(row => row.Id),
                rows.Column(row => row.State.HolderId),
                rows.Column(row => row.State.Status.ToText()),
                rows.Column(row => row.State.StartsOn),
                rows.Column(row => row.State.EndsOn),
                rows.Column(row => row.State.CancelledOn),
                rows.Column(row => row.Premium.Value),
            },
        };
    }

    private const string Select = """
        SELECT policy_id, holder_id, state, starts_on, ends_on, cancelled_on, premium_kopecks
        FROM underwriting.policy WHERE policy_id = ANY ($1)
        """;

    private const string Upsert = """
        INSERT INTO underwriting.policy (policy_id, holder_id, state, starts_on, ends_on, cancelled_on, premium_kopecks)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (policy_id) DO UPDATE SET
            holder_id = excluded.holder_id, state = excluded.state, starts_on = excluded.starts_on, ends_on = excluded.ends_on,
            cancelled_on = excluded.cancelled_on, premium_kopecks = excluded.premium_kopecks, updated_at = now()
        """;
}
