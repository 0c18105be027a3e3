using Insurance.Load.Verification;

namespace Insurance.Load.Tests;

/// <summary>Each counter is shown to count: a checker that never failed proves nothing.</summary>
public sealed class TamperedLedgerTests
{
    private const string Event = $"'{HandMadeLedger.Run}-1-1'";

    [Fact]
    public async Task A_ledger_that_is_as_it_should_be_gives_zeros()
    {
        await using var ledger = await HandMadeLedger.CreateAsync();
        var result = await ledger.CompareAsync();
        result.IsFine.ShouldBeTrue(string.Join(", ", result.Consistency.Where(c => c.Broken.Count > 0).Select(c => c.Rule)));
        (result.Lost, result.Duplicated, result.OutOfOrder, result.Inconsistent).ShouldBe((0, 0, 0, 0));
        result.Ledgers.Select(l => l.Expected).ShouldBe([9, 9, 8, 8]);
        result.Ledgers.ShouldAllBe(l => l.Effects == l.Expected && l.Unacknowledged.Count == 0);
    }

    [Theory]
    [InlineData("underwriting.decision")]
    [InlineData("billing.contract_event")]
    public async Task An_effect_that_is_missing_is_lost(string table)
    {
        await using var ledger = await HandMadeLedger.CreateAsync();
        await ledger.SpoilAsync($"DELETE FROM {table} WHERE event_id = {Event}");
        var result = await ledger.CompareAsync();
        Of(result, table).Lost.Count.ShouldBe(1);
        Of(result, table).Lost.Examples.ShouldBe([$"{HandMadeLedger.Run}-1-1"]);
        result.IsFine.ShouldBeFalse();
    }

    [Fact]
    public async Task Half_a_booking_is_a_lost_one()
    {
        await using var ledger = await HandMadeLedger.CreateAsync();
        await ledger.SpoilAsync($"DELETE FROM billing.entry WHERE source_event_id = {Event} AND account = 'receivable'");
        var result = await ledger.CompareAsync();
        Of(result, "billing.entry").Lost.Count.ShouldBe(1);
        result.Inconsistent.ShouldBePositive();
    }

    [Fact]
    public async Task A_premium_that_is_not_on_the_topic_is_lost()
    {
        await using var ledger = await HandMadeLedger.CreateAsync();
        ledger.Premiums.RemoveAt(3);
        (await ledger.CompareAsync()).Lost.ShouldBe(1);
    }

    [Theory]
    [InlineData("underwriting.decision", "event_id, policy_id, kind, outcome, premium_kopecks, partition, \"offset\"", "event_id")]
    [InlineData("billing.contract_event", "event_id, policy_id, kind, outcome, partition, \"offset\"", "event_id")]
    [InlineData("billing.entry", "premium_event_id, source_event_id, policy_id, account, amount_kopecks, partition, \"offset\"", "source_event_id")]
    public async Task An_effect_that_is_there_twice_is_duplicated(string table, string columns, string eventId)
    {
        await using var ledger = await HandMadeLedger.CreateAsync();
        await ledger.SpoilAsync($"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} WHERE {eventId} = {Event}");
        var result = await ledger.CompareAsync();
        (result.Lost, result.Duplicated, result.OutOfOrder).ShouldBe((0, 1, 0));
        Of(result, table).Duplicated.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_premium_that_is_published_twice_is_duplicated()
    {
        await using var ledger = await HandMadeLedger.CreateAsync();
        ledger.Premiums.Add(ledger.Premiums[^1] with { Offset = 1000 });
        (await ledger.CompareAsync()).Duplicated.ShouldBe(1);
    }

    [Fact]
    public async Task Two_events_of_a_policy_that_were_applied_in_the_wrong_order_are_out_of_order()
    {
        await using var ledger = await HandMadeLedger.CreateAsync();
        // The same rows at the same offsets, but each with the other's event: only the order within the policy is wrong.
        await ledger.SpoilAsync($"""
            UPDATE underwriting.decision SET event_id = CASE event_id WHEN {Event} THEN '{HandMadeLedger.Run}-1-2' ELSE {Event} END
             WHERE event_id IN ({Event}, '{HandMadeLedger.Run}-1-2')
            """);
        Of(await ledger.CompareAsync(), "underwriting.decision").OutOfOrder.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Two_records_of_a_partition_that_were_applied_in_the_wrong_order_are_out_of_order()
    {
        await using var ledger = await HandMadeLedger.CreateAsync();
        await ledger.SpoilAsync("""
            UPDATE billing.contract_event SET "offset" = CASE "offset" WHEN 0 THEN 2 ELSE 0 END WHERE partition = 0 AND "offset" IN (0, 2)
            """);
        Of(await ledger.CompareAsync(), "billing.contract_event").OutOfOrder.Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_effect_that_nobody_acknowledged_is_a_class_of_its_own_and_no_error()
    {
        await using var ledger = await HandMadeLedger.CreateAsync();
        await ledger.SpoilAsync($"""
            INSERT INTO underwriting.decision (event_id, policy_id, kind, outcome, partition, "offset") VALUES ('{HandMadeLedger.Run}-7-0', '{HandMadeLedger.Run}-7', 'issued', 'rejected', 0, 77)
            """);
        var result = await ledger.CompareAsync();
        Of(result, "underwriting.decision").Unacknowledged.Count.ShouldBe(1);
        result.IsFine.ShouldBeTrue();
    }

    [Theory]
    [InlineData("UPDATE billing.entry SET amount_kopecks = amount_kopecks + 1 WHERE account = 'receivable' AND source_event_id = " + Event)]
    [InlineData("UPDATE billing.balance SET balance_kopecks = balance_kopecks * 2 WHERE account = 'receivable' AND policy_id = '" + HandMadeLedger.Run + "-1'")]
    [InlineData("UPDATE underwriting.decision SET premium_kopecks = 1 WHERE event_id = " + Event)]
    public async Task Amounts_that_do_not_agree_are_inconsistent(string sql)
    {
        await using var ledger = await HandMadeLedger.CreateAsync();
        await ledger.SpoilAsync(sql);
        var result = await ledger.CompareAsync();
        (result.Lost, result.Duplicated, result.OutOfOrder).ShouldBe((0, 0, 0));
        result.Inconsistent.ShouldBePositive();
    }

    [Theory]
    [InlineData("CREATE UNIQUE INDEX ON underwriting.decision (event_id)")]
    [InlineData("ALTER TABLE billing.entry ADD PRIMARY KEY (id)")]
    public async Task A_unique_index_on_what_is_counted_is_refused(string sql)
    {
        await using var ledger = await HandMadeLedger.CreateAsync();
        await ledger.SpoilAsync(sql);
        (await Should.ThrowAsync<ToolException>(() => ledger.CompareAsync())).Message.ShouldContain("unique index");
    }

    private static LedgerFindings Of(Comparison result, string ledger) => result.Ledgers.Single(l => l.Ledger == ledger);
}
