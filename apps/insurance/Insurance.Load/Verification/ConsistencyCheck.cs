using Npgsql;

namespace Insurance.Load.Verification;

/// <summary>What the ledgers must say about each other. Each rule is a statement of what breaks it.</summary>
internal static class ConsistencyCheck
{
    // Of the chosen runs alone; bookings are one row for a premium here.
    private const string Prepare = """
        DROP TABLE IF EXISTS pg_temp.decided, pg_temp.published, pg_temp.booked;
        CREATE TEMP TABLE decided AS
        SELECT event_id COLLATE "C" AS event_id, min(policy_id) AS policy_id, bool_or(outcome = 'accepted') AS accepted, max(abs(premium_kopecks)) AS amount
          FROM underwriting.decision WHERE split_part(event_id, '-', 1) IN (SELECT run FROM pg_temp.run) GROUP BY 1;
        CREATE TEMP TABLE published AS
        SELECT source_event_id AS event_id, count(*) AS records, min(policy_id) AS policy_id, max(amount_kopecks) AS amount, bool_and(event_id = source_event_id || '/premium') AS named
          FROM pg_temp.premium GROUP BY 1;
        CREATE TEMP TABLE booked AS
        SELECT source_event_id COLLATE "C" AS event_id, count(*) AS rows, min(account COLLATE "C") <> max(account COLLATE "C") AS two_accounts, sum(amount_kopecks) AS sum, max(amount_kopecks) AS amount,
               min(policy_id COLLATE "C") AS policy_id, min(policy_id COLLATE "C") = max(policy_id COLLATE "C") AS one_policy, bool_and(premium_event_id = source_event_id || '/premium') AS named
          FROM billing.entry WHERE split_part(source_event_id, '-', 1) IN (SELECT run FROM pg_temp.run) GROUP BY 1;
        ANALYZE pg_temp.decided; ANALYZE pg_temp.published; ANALYZE pg_temp.booked
        """;

    private static readonly (string Rule, string Broken)[] s_rules =
    [
        ("an accepted decision has exactly one premium on the topic", """
            SELECT d.event_id FROM pg_temp.decided d LEFT JOIN pg_temp.published p USING (event_id) WHERE d.accepted AND p.records IS DISTINCT FROM 1
            """),
        ("an accepted decision has exactly one booking", """
            SELECT d.event_id FROM pg_temp.decided d LEFT JOIN pg_temp.booked b USING (event_id) WHERE d.accepted AND b.rows IS DISTINCT FROM 2
            """),
        ("a premium or booking belongs to an accepted decision", """
            SELECT event_id FROM (SELECT event_id FROM pg_temp.published UNION SELECT event_id FROM pg_temp.booked) AS e
             WHERE NOT EXISTS (SELECT FROM pg_temp.decided d WHERE d.event_id = e.event_id AND d.accepted)
            """),
        ("a booking is balanced: two accounts, sum 0", """
            SELECT event_id FROM pg_temp.booked WHERE sum <> 0 OR (rows = 2 AND NOT two_accounts)
            """),
        ("decision, premium and booking name one amount", """
            SELECT d.event_id FROM pg_temp.decided d LEFT JOIN pg_temp.published p USING (event_id) LEFT JOIN pg_temp.booked b USING (event_id)
             WHERE d.accepted AND (p.amount <> d.amount OR b.amount <> d.amount)
            """),
        ("an effect is filed under the policy of its event", """
            SELECT event_id FROM (
                SELECT event_id, policy_id FROM pg_temp.decided
                UNION ALL SELECT event_id, policy_id FROM billing.contract_event WHERE split_part(event_id, '-', 1) IN (SELECT run FROM pg_temp.run)
                UNION ALL SELECT event_id, policy_id FROM pg_temp.published WHERE named
                UNION ALL SELECT event_id, CASE WHEN named AND one_policy THEN policy_id END FROM pg_temp.booked) AS e
             WHERE policy_id IS DISTINCT FROM split_part(event_id, '-', 1) || '-' || split_part(event_id, '-', 2)
            """),
        ("a premium is named after its event", "SELECT event_id FROM pg_temp.published WHERE NOT named"),
        ("an effect comes from the acknowledged record, or one before it", """
            SELECT j.event_id FROM pg_temp.journal j
              JOIN (SELECT event_id, partition, "offset" FROM underwriting.decision UNION ALL SELECT event_id, partition, "offset" FROM billing.contract_event) AS e USING (event_id)
             WHERE e.partition <> j.partition OR e."offset" > j."offset"
            """),
        ("the entries of an account add up to its balance", """
            SELECT policy_id || ' ' || account
              FROM (SELECT policy_id, account, sum(amount_kopecks) AS sum FROM billing.entry
                     WHERE split_part(policy_id, '-', 1) IN (SELECT run FROM pg_temp.run) GROUP BY 1, 2) AS e
              FULL JOIN (SELECT policy_id, account, balance_kopecks FROM billing.balance
                     WHERE split_part(policy_id, '-', 1) IN (SELECT run FROM pg_temp.run)) AS b USING (policy_id, account)
             WHERE coalesce(e.sum, 0) <> coalesce(b.balance_kopecks, 0)
            """),
        ("all entries add up to 0", """
            SELECT sum(sum) || ' kopecks' FROM pg_temp.booked HAVING sum(sum) <> 0
            """),
    ];

    public static async Task<IReadOnlyList<ConsistencyFinding>> RunAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using (var prepare = new NpgsqlCommand(Prepare, connection) { CommandTimeout = 0 })
            await prepare.ExecuteNonQueryAsync(cancellationToken);
        var findings = new List<ConsistencyFinding>();
        foreach (var (rule, broken) in s_rules)
        {
            await using var command = new NpgsqlCommand(EffectCheck.Count(broken), connection) { CommandTimeout = 0 };
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            findings.Add(new ConsistencyFinding(rule, await EffectCheck.ReadAsync(reader, cancellationToken)));
        }

        return findings;
    }
}
