using Insurance.Contracts;

namespace Insurance.Policies;

/// <summary>Which risks can be priced at all. What passes here, the tariff has a number for.</summary>
internal static class Insurability
{
    /// <summary>The youngest holder of any licence, and so the age at which experience begins.</summary>
    public const int MinAge = 16;

    public const int MaxAge = 110;

    /// <summary>A million roubles: a hundred times the highest base rate there is. It keeps every product far inside a long.</summary>
    public const long MaxBaseRateKopecks = 100_000_000;

    private const int MaxEnginePower = 3_000;

    /// <summary>"M" is the worst class, "13" the best; "3" is a driver without history.</summary>
    public static IReadOnlyList<string> BonusMalusClasses { get; } = ["M", .. Enumerable.Range(0, 14).Select(number => $"{number}")];

    /// <summary>Null where the risk can be priced, else why not.</summary>
    public static string? Check(PolicyTerms terms)
    {
        if (terms.Vehicle is not { } vehicle || terms.TerritoryCode.Length == 0)
            return Reasons.Incomplete;
        if (vehicle.Category == VehicleCategory.Unspecified || !Enum.IsDefined(vehicle.Category))
            return Reasons.UnknownCategory;
        if (vehicle.EnginePowerHp is < 1 or > MaxEnginePower)
            return Reasons.PowerOutOfRange;
        if (terms.BaseRateKopecks is < 1 or > MaxBaseRateKopecks)
            return Reasons.BaseRateOutOfRange;
        return terms.Drivers.Select(Check).FirstOrDefault(reason => reason is not null);
    }

    private static string? Check(Driver driver)
    {
        if (driver.Age is < MinAge or > MaxAge)
            return Reasons.AgeOutOfRange;
        if (driver.ExperienceYears < 0 || driver.ExperienceYears > driver.Age - MinAge)
            return Reasons.ImpossibleExperience;
        return BonusMalusClasses.Contains(driver.BonusMalusClass) ? null : Reasons.UnknownBonusMalusClass;
    }
}
