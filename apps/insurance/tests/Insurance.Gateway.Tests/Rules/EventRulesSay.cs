using System.Globalization;
using Google.Protobuf;
using Google.Rpc;
using Insurance.Contracts;
using Microsoft.Extensions.Time.Testing;

namespace Insurance.Gateway.Tests.Rules;

public sealed class EventRulesSay
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    public static TheoryData<string, Action<PolicyEvent>> Mistakes => new()
    {
        { "event.event_id", e => e.EventId = "" },
        { "event.event_id", e => e.EventId = new string('x', 65) },
        { "event.event_id", e => e.EventId = "a/b" },
        { "event.event_id", e => e.EventId = "событие" },
        { "event.policy_id", e => e.PolicyId = "" },
        { "event.policy_id", e => e.PolicyId = "a b" },
        { "event.policy_id", e => e.PolicyId = new string('x', 65) },
        { "event.occurred_at", e => e.OccurredAt = null },
        { "event.occurred_at", e => e.OccurredAt.Seconds = -1 },
        { "event.occurred_at", e => e.OccurredAt.Seconds = long.MaxValue },
        { "event.occurred_at", e => e.OccurredAt.Seconds = Now.AddDays(1).ToUnixTimeSeconds() + 1 },
        { "event.occurred_at", e => e.OccurredAt.Nanos = -1 },
        { "event.occurred_at", e => e.OccurredAt.Nanos = 1_000_000_000 },
        { "event.kind", e => e.ClearKind() },
        { "event.issued.holder_id", e => e.Issued.HolderId = "" },
        { "event.issued.terms", e => e.Issued.Terms = null },
        { "event.issued.terms.vehicle", e => e.Issued.Terms.Vehicle = null },
        { "event.issued.terms.vehicle.category", e => e.Issued.Terms.Vehicle.Category = VehicleCategory.Unspecified },
        { "event.issued.terms.vehicle.category", e => e.Issued.Terms.Vehicle.Category = (VehicleCategory)99 },
        { "event.issued.terms.vehicle.engine_power_hp", e => e.Issued.Terms.Vehicle.EnginePowerHp = 0 },
        { "event.issued.terms.vehicle.engine_power_hp", e => e.Issued.Terms.Vehicle.EnginePowerHp = 3_001 },
        { "event.issued.terms.territory_code", e => e.Issued.Terms.TerritoryCode = "" },
        { "event.issued.terms.territory_code", e => e.Issued.Terms.TerritoryCode = new string('7', 17) },
        { "event.issued.terms.base_rate_kopecks", e => e.Issued.Terms.BaseRateKopecks = -1 },
        { "event.issued.terms.base_rate_kopecks", e => e.Issued.Terms.BaseRateKopecks = 100_000_001 },
        { "event.issued.terms.drivers", e => AddDrivers(e, 20) },
        { "event.issued.terms.drivers[0].age", e => Driver(e).Age = 111 },
        { "event.issued.terms.drivers[0].experience_years", e => Driver(e).ExperienceYears = -1 },
        { "event.issued.terms.drivers[0].experience_years", e => Driver(e).ExperienceYears = 25 },
        { "event.issued.terms.drivers[0].bonus_malus_class", e => Driver(e).BonusMalusClass = "14" },
        { "event.issued.terms.drivers[0].bonus_malus_class", e => Driver(e).BonusMalusClass = "03" },
        { "event.issued.terms.starts_on", e => e.Issued.Terms.StartsOn = null },
        { "event.issued.terms.starts_on", e => e.Issued.Terms.StartsOn = Events.Day(1999, 12, 31) },
        { "event.issued.terms.ends_on", e => e.Issued.Terms.EndsOn = Events.Day(2100, 1, 1) },
        { "event.issued.terms.ends_on", e => e.Issued.Terms.EndsOn = Events.Day(2027, 2, 29) },
        { "event.issued.terms.ends_on", e => e.Issued.Terms.EndsOn = Events.Day(2026, 13, 1) },
        { "event.issued.terms.ends_on", e => e.Issued.Terms.EndsOn = Events.Day(2026, 3, 1) },
        { "event.issued.terms.ends_on", e => e.Issued.Terms.EndsOn = Events.Day(2027, 3, 3) },
    };

    [Theory]
    [MemberData(nameof(Mistakes), DisableDiscoveryEnumeration = true)]
    public void One_mistake_is_one_violation_of_its_field(string field, Action<PolicyEvent> mistake)
    {
        var policyEvent = Events.Issued();
        mistake(policyEvent);
        Fields(policyEvent).ShouldBe([field]);
    }

    [Fact]
    public void Each_kind_of_event_passes()
    {
        foreach (var policyEvent in (PolicyEvent[])[Events.Issued(), Events.Renewed(), Events.Cancelled()])
            Check(policyEvent).ShouldBeNull();
    }

    [Fact]
    public void The_bounds_themselves_are_inside()
    {
        var policyEvent = Events.Issued(new string('e', 64), "aZ09._:-");
        policyEvent.OccurredAt.Seconds = Now.AddDays(1).ToUnixTimeSeconds();
        var terms = policyEvent.Issued.Terms;
        AddDrivers(policyEvent, 19);
        terms.Drivers[0] = new Driver { Age = 16, ExperienceYears = 0, BonusMalusClass = "M" };
        terms.Drivers[1] = new Driver { Age = 110, ExperienceYears = 94, BonusMalusClass = "0" };
        terms.BaseRateKopecks = 0;
        terms.StartsOn = Events.Day(2027, 3, 1);
        terms.EndsOn = Events.Day(2028, 3, 1);
        Check(policyEvent).ShouldBeNull();
        terms.Drivers.Clear();
        Check(policyEvent).ShouldBeNull();
    }

    [Fact]
    public void A_cancellation_has_a_reason_and_a_day()
    {
        var policyEvent = Events.Cancelled();
        policyEvent.Cancelled = new PolicyCancelled();
        Fields(policyEvent).ShouldBe(["event.cancelled.reason", "event.cancelled.effective_on"]);
    }

    [Fact]
    public void Everything_wrong_is_told_at_once() =>
        Fields(new PolicyEvent { Renewed = new PolicyRenewed() }).ShouldBe(
            ["event.event_id", "event.policy_id", "event.occurred_at", "event.renewed.terms"]);

    [Fact]
    public void No_event_at_all_is_a_violation() => Fields(null).ShouldBe(["event"]);

    [Fact]
    public void A_kind_from_the_future_is_no_kind()
    {
        // Field 13 of the oneof, as a newer sender would write it.
        var bytes = Events.Issued();
        bytes.ClearKind();
        Fields(PolicyEvent.Parser.ParseFrom([.. bytes.ToByteArray(), 0x6a, 0x00])).ShouldBe(["event.kind"]);
    }

    [Fact]
    public void Bytes_that_are_no_known_field_count_towards_the_size()
    {
        byte[] unknown = [0xa2, 0x06, 0x80, 0x80, 0x20, .. new byte[512 * 1024]];
        Fields(PolicyEvent.Parser.ParseFrom([.. Events.Issued().ToByteArray(), .. unknown])).ShouldBe(["event"]);
    }

    [Fact]
    public void The_refusal_fits_into_trailers_and_says_how_much_it_left_out()
    {
        var policyEvent = Events.Issued();
        policyEvent.Issued.Terms.Drivers.Clear();
        AddDrivers(policyEvent, 20);
        foreach (var driver in policyEvent.Issued.Terms.Drivers)
            (driver.Age, driver.ExperienceYears, driver.BonusMalusClass) = (int.MinValue, int.MinValue, new string('?', 1_000));
        var refusal = Check(policyEvent)!;
        refusal.Message.ShouldContain(60.ToString(CultureInfo.InvariantCulture));
        refusal.Details.Single().Unpack<BadRequest>().FieldViolations.Count.ShouldBe(40);
        (refusal.CalculateSize() * 4 / 3).ShouldBeLessThan(7_000);
    }

    private static Status? Check(PolicyEvent? policyEvent) => new EventRules(new FakeTimeProvider(Now)).Check(policyEvent);

    private static IEnumerable<string> Fields(PolicyEvent? policyEvent) =>
        Check(policyEvent)!.Details.Single().Unpack<BadRequest>().FieldViolations.Select(violation => violation.Field);

    private static Driver Driver(PolicyEvent policyEvent) => policyEvent.Issued.Terms.Drivers[0];

    private static void AddDrivers(PolicyEvent policyEvent, int count)
    {
        for (var i = 0; i < count; i++)
            policyEvent.Issued.Terms.Drivers.Add(new Driver { Age = 30, ExperienceYears = 5, BonusMalusClass = "3" });
    }
}
