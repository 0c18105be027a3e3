using Insurance.Contracts;
using Insurance.Policies;
using Insurance.Tests.Policies;
using Insurance.Underwriting;

namespace Insurance.Tests.Underwriting;

public sealed class Prices
{
    // The first two are published test vectors of another calculator; the others were worked out by hand.
    [Theory]
    [InlineData(753_500, "63", "4", 40, 20, 90, 3, 346_957)]
    [InlineData(164_600, "63", "4", 40, 20, 90, 3, 75_792)]
    [InlineData(139_900, "77", "13", 50, 5, 110, 12, 127_884)] // 139900 × 1.8 × 0.46 × 0.92 × 1.2 = 127884.27
    [InlineData(500_000, "77", "4", 40, 20, 110, 12, 982_800)]
    public void A_premium_is_the_product_of_its_factors(
        long baseRate, string territory, string @class, int age, int experience, int power, int months, long expected)
    {
        var terms = Terms(baseRate, territory, @class, age, experience, power, months);
        var quote = Tariff.Price(terms);
        quote.Amount.ShouldBe(new Kopecks(expected));
        quote.Factors.Select(f => f.Name).ShouldBe(["base_rate_kopecks", "territory", "bonus_malus", "age_experience", "drivers", "power", "term"]);
    }

    [Fact]
    public void A_premium_is_capped_at_three_times_base_rate_and_territory()
    {
        var quote = Tariff.Price(Terms(459_050, "77", "3", 20, 0, 130, 12));
        quote.Amount.ShouldBe(new Kopecks(2_478_870));
        quote.Factors[^1].ShouldBe(new Factor("cap_kopecks", 2_478_870m));
    }

    [Fact]
    public void Anyone_may_drive_costs_as_much_as_nobody_knows()
    {
        var terms = Terms(866_500, "77", "4", 40, 20, 110, 12);
        terms.Drivers.Clear();
        // 866500 × 1.8 × 1.17 × 2.32 × 1.2 = 5080379.6…, over the cap.
        Tariff.Price(terms).Amount.ShouldBe(new Kopecks(4_679_100));
        terms.Vehicle.EnginePowerHp = 60;
        Tariff.Price(terms).Amount.ShouldBe(new Kopecks(4_233_650));
    }

    [Fact]
    public void The_worst_driver_counts_for_each_factor()
    {
        var terms = Terms(100_000, "nowhere", "13", 60, 40, 60, 12);
        terms.Drivers.Add(new Driver { Age = 20, ExperienceYears = 0, BonusMalusClass = "5" });
        Tariff.Price(terms).Amount.ShouldBe(new Kopecks(206_570)); // 0.91 of the second, 2.27 of the second
    }

    [Theory]
    [InlineData(1, 0.5)]
    [InlineData(3, 0.5)]
    [InlineData(4, 0.6)]
    [InlineData(9, 0.95)]
    [InlineData(10, 1)]
    [InlineData(12, 1)]
    public void A_shorter_term_costs_less(int months, double factor) =>
        Tariff.Price(Terms(100_000, "nowhere", "4", 40, 20, 60, months)).Factors[^1].ShouldBe(new Factor("term", (decimal)factor));

    [Theory]
    [InlineData(50, 0.6)]
    [InlineData(51, 1.0)]
    [InlineData(70, 1.0)]
    [InlineData(71, 1.1)]
    [InlineData(150, 1.4)]
    [InlineData(151, 1.6)]
    public void Power_steps_are_closed_above(int power, double factor) => TariffTables.Power(power).ShouldBe((decimal)factor);

    [Fact]
    public void There_is_a_factor_for_every_driver_whom_the_rules_let_pass_and_for_no_other()
    {
        for (var age = 16; age <= 110; age++)
        {
            for (var experience = 0; experience <= age - 16; experience++)
                TariffTables.OfDriver(age, experience).ShouldNotBeNull($"age {age}, experience {experience}");
        }

        TariffTables.OfDriver(21, 7).ShouldBeNull();
        TariffTables.OfDriver(24, 10).ShouldBeNull();
        TariffTables.OfDriver(15, 0).ShouldBeNull();
        Insurability.BonusMalusClasses.ShouldAllBe(@class => TariffTables.BonusMalus(@class) > 0);
    }

    [Fact]
    public void A_refund_is_the_claims_share_of_the_days_left()
    {
        var policy = new PolicyState("h", PolicyStatus.Cancelled, Events.Start, Events.Start.AddYears(1), Events.Start.AddDays(165));
        var refund = Tariff.Refund(policy, new Kopecks(1_200_000));
        refund.Amount.ShouldBe(new Kopecks(506_301));
        refund.Factors.Skip(2).ShouldBe([new Factor("unexpired_days", 200), new Factor("total_days", 365)]);
    }

    [Fact]
    public void Whatever_the_rules_accept_has_a_price_within_its_bounds()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var priced = 0;
        for (var round = 0; round < 5_000; round++)
        {
            var terms = RandomEvents.Terms(random);
            if (PolicyRules.Decide(null, Events.Issue("p", "e", terms)) is not Decision.Accepted(var state))
                continue;
            priced++;
            var where = $"seed {seed}, round {round}: {terms}";
            var premium = Tariff.Price(terms).Amount;
            ((decimal)premium.Value).ShouldBeLessThanOrEqualTo(3 * terms.BaseRateKopecks * TariffTables.Territory(terms.TerritoryCode), where);
            premium.Value.ShouldBeGreaterThanOrEqualTo(0, where);
            Tariff.Price(terms.Clone()).Amount.ShouldBe(premium, where);
            terms.BaseRateKopecks++;
            Tariff.Price(terms).Amount.Value.ShouldBeGreaterThanOrEqualTo(premium.Value, where);
            var days = state.EndsOn.DayNumber - state.StartsOn.DayNumber;
            var refund = Tariff.Refund(state with { CancelledOn = state.StartsOn.AddDays(random.Next(days)) }, premium).Amount.Value;
            refund.ShouldBeInRange(0, (long)Math.Round(premium.Value * 0.77m, MidpointRounding.AwayFromZero), where);
        }

        priced.ShouldBeGreaterThan(2_000);
    }

    private static PolicyTerms Terms(long baseRate, string territory, string @class, int age, int experience, int power, int months)
    {
        var terms = Events.Terms(Events.Start, Events.Start.AddMonths(months));
        (terms.BaseRateKopecks, terms.TerritoryCode, terms.Vehicle.EnginePowerHp) = (baseRate, territory, power);
        terms.Drivers.Clear();
        terms.Drivers.Add(new Driver { Age = age, ExperienceYears = experience, BonusMalusClass = @class });
        return terms;
    }
}
