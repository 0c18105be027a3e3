using Insurance.Contracts;
using Insurance.Policies;
using Insurance.Tests.Policies;
using Insurance.Underwriting;
using Onceward.TestSupport;

namespace Insurance.Tests.EndToEnd;

/// <summary>What the ledgers say of thousands of events, against the rules applied to them in memory.</summary>
[Collection(SharedWorkers.Name)]
public sealed class ManyEvents(WorkersFixture workers)
{
    private const int Policies = 300;
    private const int Count = 4_000;

    [Fact]
    public async Task Every_event_counts_once_in_order_and_the_books_balance()
    {
        var database = workers.Database;
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var run = $"m-{Guid.NewGuid():N}";
        var events = Generate(new Random(seed), run);
        workers.Topics.Send(events);

        var expected = Expect(events.DistinctBy(e => e.EventId));
        var premiums = expected.Values.Count(row => row.StartsWith("accepted", StringComparison.Ordinal));
        premiums.ShouldBeInRange(100, Count);
        await Settled("underwriting.decision", expected.Count);
        await Settled("billing.contract_event", expected.Count);
        await Settled("billing.entry", 2 * premiums);

        (await Rows("event_id || ' ' || concat_ws(' ', outcome, reason, premium_kopecks)", "underwriting.decision"))
            .ShouldBe(expected.Select(pair => $"{pair.Key} {pair.Value}"), ignoreOrder: true);
        (await Rows("concat_ws(' ', event_id, outcome, reason, partition, \"offset\")", "billing.contract_event"))
            .ShouldBe(await Rows("concat_ws(' ', event_id, outcome, reason, partition, \"offset\")", "underwriting.decision"), ignoreOrder: true);
        (await Rows("concat_ws(' ', policy_id, holder_id, state, starts_on, ends_on, cancelled_on)", "billing.contract"))
            .ShouldBe(await Rows("concat_ws(' ', policy_id, holder_id, state, starts_on, ends_on, cancelled_on)", "underwriting.policy"));
        foreach (var table in new[] { "underwriting.decision", "billing.contract_event" })
            (await database.ScalarAsync<long>(OutOfOrder(table, run))).ShouldBe(0);
        (await database.ScalarAsync<long>($"""
            SELECT count(*) FROM (
                SELECT FROM billing.entry WHERE policy_id LIKE '{run}%' GROUP BY premium_event_id HAVING sum(amount_kopecks) <> 0 OR count(*) <> 2) unbalanced
            """)).ShouldBe(0);
        (await database.ScalarAsync<long>($"""
            SELECT count(*) FROM billing.balance b FULL JOIN (
                SELECT policy_id, account, sum(amount_kopecks) AS booked FROM billing.entry GROUP BY policy_id, account) e USING (policy_id, account)
            WHERE policy_id LIKE '{run}%' AND balance_kopecks IS DISTINCT FROM booked
            """)).ShouldBe(0);
        workers.Topics.Premiums(run).Select(p => p.EventId).ShouldBe(
            expected.Where(pair => pair.Value.StartsWith("accepted", StringComparison.Ordinal)).Select(pair => $"{pair.Key}/premium"), ignoreOrder: true);

        Task Settled(string table, int count) => Eventually.HoldsAsync($"{count} rows in {table}, seed {seed}", async () =>
            await database.ScalarAsync<long>($"SELECT count(*) FROM {table} WHERE policy_id LIKE '{run}%'") >= count);

        Task<List<string>> Rows(string columns, string table) =>
            database.ColumnAsync<string>($"SELECT {columns} FROM {table} WHERE policy_id LIKE '{run}%' ORDER BY 1");
    }

    private static List<PolicyEvent> Generate(Random random, string run)
    {
        var events = new List<PolicyEvent>(Count);
        for (var i = 0; i < Count; i++)
        {
            // One in ten repeats an earlier one, as a sender does who missed the answer.
            if (events.Count > 0 && random.Next(10) == 0)
            {
                events.Add(events[random.Next(events.Count)]);
                continue;
            }

            var policyEvent = RandomEvents.Next(random);
            (policyEvent.EventId, policyEvent.PolicyId) = ($"{run}-{i}", $"{run}-{random.Next(Policies)}");
            events.Add(policyEvent);
        }

        return events;
    }

    /// <summary>For each event id, the outcome as the row of its decision has it.</summary>
    private static Dictionary<string, string> Expect(IEnumerable<PolicyEvent> events)
    {
        var policies = new Dictionary<string, (PolicyState State, Kopecks Premium)>();
        var expected = new Dictionary<string, string>();
        foreach (var e in events)
        {
            var known = policies.TryGetValue(e.PolicyId, out var before);
            if (PolicyRules.Decide(known ? before.State : null, e) is not Decision.Accepted(var state))
            {
                expected[e.EventId] = $"rejected {((Decision.Rejected)PolicyRules.Decide(known ? before.State : null, e)).Reason}";
                continue;
            }

            var amount = (e.Cancelled is null ? Tariff.Price((e.Issued?.Terms ?? e.Renewed?.Terms)!) : Tariff.Refund(state, before.Premium)).Amount;
            policies[e.PolicyId] = (state, e.Cancelled is null ? amount : before.Premium);
            expected[e.EventId] = $"accepted {amount}";
        }

        return expected;
    }

    private static string OutOfOrder(string table, string run) => $"""
        SELECT count(*) FROM (
            SELECT "offset" <= lag("offset") OVER (PARTITION BY partition ORDER BY id) AS goes_back FROM {table} WHERE policy_id LIKE '{run}%') o
        WHERE goes_back
        """;
}
