using Insurance.Contracts;
using Insurance.Policies;

namespace Insurance.Tests.Policies;

public sealed class Rules
{
    private static readonly PolicyState Active = new("holder-1", PolicyStatus.Active, Events.Start, Events.Start.AddYears(1));
    private static readonly PolicyState Gone = Active with { Status = PolicyStatus.Cancelled, CancelledOn = Events.Start.AddDays(10) };

    [Fact]
    public void An_issue_opens_a_policy() => Accepted(null, Events.Issue("p", "1")).ShouldBe(Active);

    [Fact]
    public void A_policy_is_issued_once()
    {
        Rejected(Active, Events.Issue("p", "1")).ShouldBe("already_issued");
        Rejected(Gone, Events.Issue("p", "1")).ShouldBe("already_issued");
    }

    [Fact]
    public void Nothing_happens_to_a_policy_that_was_never_issued()
    {
        Rejected(null, Events.Renew("p", "1")).ShouldBe("not_issued");
        Rejected(null, Events.Cancel("p", "1")).ShouldBe("not_issued");
    }

    [Fact]
    public void A_renewal_starts_when_the_term_has_ended()
    {
        var end = Active.EndsOn;
        Accepted(Active, Events.Renew("p", "1", Events.Terms(end))).ShouldBe(Active with { StartsOn = end, EndsOn = end.AddYears(1) });
        Accepted(Active, Events.Renew("p", "1", Events.Terms(end.AddDays(40)))).StartsOn.ShouldBe(end.AddDays(40));
        Rejected(Active, Events.Renew("p", "1", Events.Terms(end.AddDays(-1)))).ShouldBe("overlaps_term");
    }

    [Fact]
    public void A_cancelled_policy_stays_cancelled()
    {
        Rejected(Gone, Events.Renew("p", "1")).ShouldBe("cancelled");
        Rejected(Gone, Events.Cancel("p", "1")).ShouldBe("already_cancelled");
    }

    [Theory]
    [InlineData(-1, "outside_term")]
    [InlineData(0, null)]
    [InlineData(364, null)]
    [InlineData(365, "outside_term")]
    public void A_cancellation_takes_effect_within_the_term(int days, string? reason)
    {
        var decision = PolicyRules.Decide(Active, Events.Cancel("p", "1", Events.Start.AddDays(days)));
        (decision as Decision.Rejected)?.Reason.ShouldBe(reason);
        if (reason is null)
            decision.ShouldBe(new Decision.Accepted(Active with { Status = PolicyStatus.Cancelled, CancelledOn = Events.Start.AddDays(days) }));
        else
            decision.ShouldBeOfType<Decision.Rejected>();
    }

    [Theory]
    [InlineData(0, "invalid_term")]
    [InlineData(-5, "invalid_term")]
    [InlineData(1, null)]
    [InlineData(366, null)]
    [InlineData(367, "invalid_term")]
    public void A_term_has_days_but_not_more_than_a_year(int days, string? reason) =>
        Reason(null, Events.Issue("p", "1", Events.Terms(Events.Start, Events.Start.AddDays(days)))).ShouldBe(reason);

    [Fact]
    public void What_an_event_lacks_is_named_not_thrown()
    {
        var noDay = Events.Terms();
        noDay.StartsOn = new Date { Year = 2026, Month = 2, Day = 29 };
        var noVehicle = Events.Terms();
        noVehicle.Vehicle = null;
        var noHolder = Events.Issue("p", "1");
        noHolder.Issued.HolderId = "";
        Rejected(null, Events.Issue("p", "1", noDay)).ShouldBe("incomplete");
        Rejected(null, Events.Issue("p", "1", noVehicle)).ShouldBe("incomplete");
        Rejected(null, noHolder).ShouldBe("incomplete");
        Rejected(null, new PolicyEvent { Issued = new PolicyIssued { HolderId = "h" } }).ShouldBe("incomplete");
        Rejected(Active, new PolicyEvent { Renewed = new PolicyRenewed() }).ShouldBe("incomplete");
        Rejected(Active, new PolicyEvent { Cancelled = new PolicyCancelled() }).ShouldBe("incomplete");
        Rejected(Active, new PolicyEvent()).ShouldBe("incomplete");
    }

    [Theory]
    [InlineData(15, 0, "3", "age_out_of_range")]
    [InlineData(111, 0, "3", "age_out_of_range")]
    [InlineData(18, 3, "3", "impossible_experience")]
    [InlineData(18, -1, "3", "impossible_experience")]
    [InlineData(18, 2, "14", "unknown_bonus_malus_class")]
    [InlineData(18, 2, "M", null)]
    public void A_driver_must_be_possible(int age, int experience, string @class, string? reason)
    {
        var terms = Events.Terms();
        terms.Drivers.Add(new Driver { Age = age, ExperienceYears = experience, BonusMalusClass = @class });
        Reason(null, Events.Issue("p", "1", terms)).ShouldBe(reason);
    }

    [Theory]
    [InlineData(VehicleCategory.Unspecified, 100, 1, "unknown_category")]
    [InlineData((VehicleCategory)99, 100, 1, "unknown_category")]
    [InlineData(VehicleCategory.Car, 0, 1, "power_out_of_range")]
    [InlineData(VehicleCategory.Car, int.MaxValue, 1, "power_out_of_range")]
    [InlineData(VehicleCategory.Car, 100, 0, "base_rate_out_of_range")]
    [InlineData(VehicleCategory.Car, 100, long.MaxValue, "base_rate_out_of_range")]
    [InlineData(VehicleCategory.Bus, 3_000, 100_000_000, null)]
    public void A_vehicle_must_be_possible(VehicleCategory category, int power, long baseRate, string? reason)
    {
        var terms = Events.Terms();
        (terms.Vehicle.Category, terms.Vehicle.EnginePowerHp, terms.BaseRateKopecks) = (category, power, baseRate);
        Reason(null, Events.Issue("p", "1", terms)).ShouldBe(reason);
    }

    [Fact]
    public void Whatever_comes_the_rules_answer()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 2_000; round++)
        {
            PolicyState? policy = null;
            for (var step = 0; step < 6; step++)
            {
                var before = policy;
                if (PolicyRules.Decide(policy, RandomEvents.Next(random)) is Decision.Accepted(var state))
                    policy = state;
                Check(before, policy, $"seed {seed}, round {round}, step {step}");
            }
        }
    }

    private static void Check(PolicyState? before, PolicyState? after, string where)
    {
        if (after is null || ReferenceEquals(before, after))
            return;
        (after.EndsOn.DayNumber - after.StartsOn.DayNumber).ShouldBeInRange(1, PolicyRules.MaxTermDays, where);
        (before?.Status).ShouldNotBe(PolicyStatus.Cancelled, where);
        (after.Status == PolicyStatus.Cancelled).ShouldBe(after.CancelledOn is not null, where);
        if (after.CancelledOn is { } day)
            (day >= after.StartsOn && day < after.EndsOn).ShouldBeTrue(where);
        else if (before is not null)
            (after.StartsOn >= before.EndsOn).ShouldBeTrue(where);
    }

    private static PolicyState Accepted(PolicyState? policy, PolicyEvent policyEvent) =>
        PolicyRules.Decide(policy, policyEvent).ShouldBeOfType<Decision.Accepted>().State;

    private static string Rejected(PolicyState? policy, PolicyEvent policyEvent) =>
        PolicyRules.Decide(policy, policyEvent).ShouldBeOfType<Decision.Rejected>().Reason;

    private static string? Reason(PolicyState? policy, PolicyEvent policyEvent) =>
        (PolicyRules.Decide(policy, policyEvent) as Decision.Rejected)?.Reason;
}
