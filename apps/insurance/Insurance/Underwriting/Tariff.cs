using Google.Protobuf.Collections;
using Insurance.Contracts;
using Insurance.Policies;

namespace Insurance.Underwriting;

/// <summary>What a contract costs, and what its cancellation gives back.</summary>
/// <remarks>
/// Exact decimal arithmetic and one rounding, at the end, half a kopeck away from zero. The same terms under the same
/// <see cref="Version"/> give the same kopecks. Amounts stay below 3 × <see cref="Insurability.MaxBaseRateKopecks"/> × the highest territory.
/// </remarks>
internal static class Tariff
{
    public const string Version = "demo-2025-12";

    /// <summary>No premium is above this many times base rate and territory (law 40-FZ, article 9).</summary>
    private const decimal Cap = 3m;

    /// <summary>The part of a premium meant for claims. The rest, 20 % costs and 3 % guarantee funds, is not given back.</summary>
    private const decimal ClaimsShare = 0.77m;

    /// <summary>The price of terms that passed <see cref="PolicyRules"/>.</summary>
    public static Quote Price(PolicyTerms terms)
    {
        var territory = TariffTables.Territory(terms.TerritoryCode);
        List<Factor> factors =
        [
            new("base_rate_kopecks", terms.BaseRateKopecks),
            new("territory", territory),
            new("bonus_malus", WorstBonusMalus(terms.Drivers)),
            new("age_experience", WorstDriver(terms.Drivers)),
            new("drivers", terms.Drivers.Count == 0 ? TariffTables.AnyDriver : 1m),
            // The law has power factors for cars only.
            new("power", terms.Vehicle.Category == VehicleCategory.Car ? TariffTables.Power(terms.Vehicle.EnginePowerHp) : 1m),
            new("term", TariffTables.Term(Months(terms.StartsOn.Day()!.Value, terms.EndsOn.Day()!.Value))),
        ];
        var product = factors.Aggregate(1m, (sofar, factor) => sofar * factor.Value);
        var cap = Cap * terms.BaseRateKopecks * territory;
        var premium = Round(product);
        // The rounded amount is what is charged, so it is what must not be above the cap: not even by half a kopeck.
        if (premium.Value <= cap)
            return new Quote(premium, factors);
        factors.Add(new Factor("cap_kopecks", cap));
        return new Quote(new Kopecks((long)decimal.Floor(cap)), factors);
    }

    /// <summary>What is given back of <paramref name="premium"/> when <paramref name="policy"/> ends early.</summary>
    /// <param name="policy">After its cancellation.</param>
    /// <param name="premium">Of its latest term.</param>
    public static Quote Refund(PolicyState policy, Kopecks premium)
    {
        // A leap year's term has 366 days: both numbers are counted, neither is assumed.
        var unexpired = policy.EndsOn.DayNumber - policy.CancelledOn!.Value.DayNumber;
        var total = policy.EndsOn.DayNumber - policy.StartsOn.DayNumber;
        return new Quote(
            Round(premium.Value * ClaimsShare * unexpired / total),
            [new("premium_kopecks", premium.Value), new("claims_share", ClaimsShare), new("unexpired_days", unexpired), new("total_days", total)]);
    }

    private static decimal WorstBonusMalus(RepeatedField<Driver> drivers) => drivers.Count == 0
        ? TariffTables.AnyDriverBonusMalus
        : drivers.Max(driver => TariffTables.BonusMalus(driver.BonusMalusClass));

    private static decimal WorstDriver(RepeatedField<Driver> drivers) => drivers.Count == 0
        ? 1m
        : drivers.Max(driver => TariffTables.OfDriver(driver.Age, driver.ExperienceYears) ?? throw new ArgumentOutOfRangeException(
            nameof(drivers), $"{driver.ExperienceYears} years of experience at {driver.Age}", "The rules let pass a driver whom the tariff has no factor for."));

    // Months begun count whole. No day is constructed, so the last year of the calendar needs no care.
    private static int Months(DateOnly starts, DateOnly ends) =>
        ((ends.Year - starts.Year) * 12) + ends.Month - starts.Month + (ends.Day > starts.Day ? 1 : 0);

    private static Kopecks Round(decimal amount) => new((long)decimal.Round(amount, MidpointRounding.AwayFromZero));
}

/// <summary>An amount and how it came about.</summary>
/// <param name="Amount">Never negative.</param>
/// <param name="Factors">In the order of the product; where it was capped, followed by the cap that replaced it.</param>
internal sealed record Quote(Kopecks Amount, IReadOnlyList<Factor> Factors);

internal sealed record Factor(string Name, decimal Value);
