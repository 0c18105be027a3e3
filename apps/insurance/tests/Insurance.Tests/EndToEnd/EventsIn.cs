using System.Text;
using Insurance.Contracts;
using Onceward.TestSupport;

namespace Insurance.Tests.EndToEnd;

/// <summary>Events on the topic, and what becomes of them in the ledgers, on the premium topic and among the dead letters.</summary>
[Collection(SharedWorkers.Name)]
public sealed class EventsIn(WorkersFixture workers)
{
    private readonly string _policy = $"p-{Guid.NewGuid():N}";

    [Fact]
    public async Task A_policy_is_decided_priced_and_booked_through_its_life()
    {
        workers.Topics.Send(Events.Issue(_policy, Id(1)), Events.Renew(_policy, Id(2)), Events.Cancel(_policy, Id(3), Events.Start.AddYears(1).AddDays(165)));
        await EntriesAsync(6);

        (await Rows("kind || ' ' || outcome || ' ' || premium_kopecks", "underwriting.decision"))
            .ShouldBe(["issued accepted 982800", "renewed accepted 982800", "cancelled accepted 415596"]);
        var premiums = workers.Topics.Read(Topology.AutoPremiums, _policy);
        premiums.Select(record => Encoding.UTF8.GetString(record.Message.Headers.GetLastBytes("event_id")))
            .ShouldBe([$"{Id(1)}/premium", $"{Id(2)}/premium", $"{Id(3)}/premium"]);
        workers.Topics.Premiums(_policy).Select(premium => (premium.Kind, premium.AmountKopecks, premium.TariffVersion)).ShouldBe(
        [
            (PremiumKind.Written, 982_800, "demo-2025-12"), (PremiumKind.Renewed, 982_800, "demo-2025-12"), (PremiumKind.Refunded, 415_596, "demo-2025-12"),
        ]);
        (await Rows("account || ' ' || amount_kopecks", "billing.entry")).ShouldBe(
        [
            "receivable 982800", "premium_income -982800", "receivable 982800", "premium_income -982800", "premium_income 415596", "refund_payable -415596",
        ]);
        (await Rows("account || ' ' || balance_kopecks", "billing.balance", "account"))
            .ShouldBe(["premium_income -1550004", "receivable 1965600", "refund_payable -415596"]);
        (await Rows("concat_ws(' ', holder_id, state, starts_on, ends_on, cancelled_on, premium_kopecks)", "underwriting.policy", "policy_id"))
            .ShouldBe(["holder-1 cancelled 2027-03-01 2028-03-01 2027-08-13 982800"]);
    }

    [Fact]
    public async Task A_contradiction_is_entered_with_its_reason_and_costs_nothing()
    {
        var impossible = Events.Terms();
        impossible.Drivers[0].ExperienceYears = 30;
        workers.Topics.Send(
            Events.Renew(_policy, Id(1)),
            Events.Issue(_policy, Id(2), impossible),
            Events.Issue(_policy, Id(3)),
            Events.Issue(_policy, Id(4)),
            Events.Renew(_policy, Id(5), Events.Terms(Events.Start.AddDays(100))),
            Events.Cancel(_policy, Id(6), Events.Start.AddDays(-1)),
            Events.Cancel(_policy, Id(7)),
            Events.Cancel(_policy, Id(8)),
            Events.Renew(_policy, Id(9)));
        await EntriesAsync(4);
        await CountAsync("billing.contract_event", 9);

        string?[] reasons = ["not_issued", "impossible_experience", "-", "already_issued", "overlaps_term", "outside_term", "-", "already_cancelled", "cancelled"];
        (await Rows("coalesce(reason, '-')", "underwriting.decision")).ShouldBe(reasons);
        (await Rows("coalesce(reason, '-')", "billing.contract_event")).ShouldBe(reasons);
        (await Rows("event_id", "underwriting.decision WHERE outcome = 'accepted' AND premium_kopecks IS NOT NULL")).ShouldBe([Id(3), Id(7)]);
        (await Rows("event_id", "underwriting.decision WHERE outcome = 'rejected' AND premium_kopecks IS NULL")).Count.ShouldBe(7);
        workers.Topics.Premiums(_policy).Select(premium => premium.SourceEventId).ShouldBe([Id(3), Id(7)]);
    }

    [Fact]
    public async Task An_event_sent_again_under_its_id_takes_effect_once()
    {
        // Twice in a batch, and again after that batch was committed.
        workers.Topics.Send(Events.Issue(_policy, Id(1)), Events.Issue(_policy, Id(1)));
        await EntriesAsync(2);
        workers.Topics.Send(Events.Issue(_policy, Id(1)), Events.Cancel(_policy, Id(2)), Events.Cancel(_policy, Id(2)), Events.Renew(_policy, Id(3)));
        await CountAsync("underwriting.decision", 3);
        await CountAsync("billing.contract_event", 3);
        await EntriesAsync(4);
        workers.Topics.Premiums(_policy).Select(premium => premium.EventId).ShouldBe([$"{Id(1)}/premium", $"{Id(2)}/premium"]);

        // Billing drops a premium that is published again just as well.
        workers.Topics.Send(Topology.AutoPremiums.Name, workers.Topics.Read(Topology.AutoPremiums, _policy).Select(record => (_policy, record.Message.Value)));
        workers.Topics.Send(Events.Issue(_policy + "-later", Id(4)));
        await CountAsync("billing.entry", 2, _policy + "-later");
        (await Rows("event_id", "underwriting.decision")).ShouldBe([Id(1), Id(2), Id(3)]);
        (await Rows("premium_event_id", "billing.entry")).Count.ShouldBe(4);
    }

    [Fact]
    public async Task A_record_that_no_worker_can_decode_becomes_a_dead_letter_and_the_partition_goes_on()
    {
        workers.Topics.Send(Events.Issue(_policy, Id(1)));
        workers.Topics.Send(Topology.AutoEvents.Name, (_policy, "not a policy event"u8.ToArray()));
        workers.Topics.Send(Events.Cancel(_policy, Id(2)));
        await EntriesAsync(4);
        await CountAsync("billing.contract_event", 2);

        (await DeadLetters()).ShouldBe(["billing ONCE-DECODE 1", "underwriting ONCE-DECODE 1"]);
        await Eventually.HoldsAsync("both dead letters on their topic", () => workers.Topics.Read(Topology.AutoEvents.DeadLetters, _policy).Count == 2);
        foreach (var record in workers.Topics.Read(Topology.AutoEvents.DeadLetters, _policy))
        {
            record.Message.Value.ShouldBe("not a policy event"u8.ToArray());
            Encoding.UTF8.GetString(record.Message.Headers.GetLastBytes("onceward-dlq-reason")).ShouldBe("ONCE-DECODE");
            Encoding.UTF8.GetString(record.Message.Headers.GetLastBytes("onceward-dlq-topic")).ShouldBe("auto.events");
        }
    }

    [Fact]
    public async Task A_record_that_breaks_its_contract_becomes_a_dead_letter_after_a_few_attempts()
    {
        var foreign = Events.Issue(_policy + "-other", Id(1));
        workers.Topics.Send(Topology.AutoEvents.Name, (_policy, Google.Protobuf.MessageExtensions.ToByteArray(foreign)));
        workers.Topics.Send(Topology.AutoPremiums.Name, (_policy, Google.Protobuf.MessageExtensions.ToByteArray(
            new Premium { EventId = Id(2), SourceEventId = Id(2), PolicyId = _policy, Kind = PremiumKind.Written, AmountKopecks = -1 })));
        workers.Topics.Send(Events.Issue(_policy, Id(3)));
        await EntriesAsync(2);
        await CountAsync("billing.contract_event", 1);
        await Eventually.HoldsAsync("the dead letters", async () => (await DeadLetters()).Count == 3);
        (await DeadLetters()).ShouldBe(["billing MalformedRecordException 4", "billing MalformedRecordException 4", "underwriting MalformedRecordException 4"]);
        await Eventually.HoldsAsync("the premium on its topic", () => workers.Topics.Read(Topology.AutoPremiums.DeadLetters, _policy).Count == 1);
        (await Rows("event_id", "underwriting.decision")).ShouldBe([Id(3)]);
    }

    private string Id(int number) => $"{_policy}-{number}";

    private Task EntriesAsync(int count) => CountAsync("billing.entry", count);

    /// <summary>Waits until a table has so many rows about the policy. More would be noticed by what the test says of the rows.</summary>
    private Task CountAsync(string table, int count, string? policy = null) => Eventually.HoldsAsync($"{count} rows in {table}", async () =>
        await workers.Database.ScalarAsync<long>($"SELECT count(*) FROM {table} WHERE policy_id = '{policy ?? _policy}'") >= count);

    private Task<List<string>> Rows(string columns, string from, string order = "id") => workers.Database.ColumnAsync<string>(
        $"SELECT {columns} FROM {from} {(from.Contains("WHERE", StringComparison.Ordinal) ? "AND" : "WHERE")} policy_id = '{_policy}' ORDER BY {order}");

    private Task<List<string>> DeadLetters() => workers.Database.ColumnAsync<string>($"""
        SELECT worker || ' ' || reason || ' ' || attempts FROM onceward.dead_letter JOIN onceward.subscription s ON s.id = subscription_id
        WHERE convert_from(key, 'UTF8') = '{_policy}' ORDER BY worker, topic
        """);
}
