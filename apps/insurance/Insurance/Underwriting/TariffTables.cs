namespace Insurance.Underwriting;

/// <summary>The factors of tariff <see cref="Tariff.Version"/>.</summary>
/// <remarks>
/// Demonstration data. The shape is that of Bank of Russia directive 6007-U of 2021-12-08 (appendix 2) as amended up to 7204-U, in force
/// since 2025-12-09. Bonus-malus, age and experience, power and term are as several published calculators agree on them; the territories are
/// a few examples. Check against the official text before a rouble is charged by it. Motorcycles, which have a table of their own since
/// 2025-04-17, are priced by that of cars here.
/// </remarks>
internal static class TariffTables
{
    /// <summary>Drivers not named, for individuals: anyone may drive.</summary>
    public const decimal AnyDriver = 2.32m;

    /// <summary>Drivers not named: nobody's history counts, so that of class 3, which is none.</summary>
    public const decimal AnyDriverBonusMalus = 1.17m;

    /// <summary>A territory without a row of its own: other towns and settlements.</summary>
    public const decimal OtherTerritories = 1.00m;

    private static readonly int[] AgesFrom = [16, 22, 25, 30, 35, 40, 50, 60];
    private static readonly int[] ExperienceFrom = [0, 1, 2, 3, 5, 7, 10, 15];

    // Rows by age, columns by full years of experience; a row ends where nobody of that age can have more.
    private static readonly decimal[][] AgeExperience =
    [
        [2.27m, 1.92m, 1.84m, 1.65m, 1.62m],
        [1.88m, 1.72m, 1.71m, 1.13m, 1.10m, 1.09m],
        [1.72m, 1.60m, 1.54m, 1.09m, 1.08m, 1.07m, 1.02m],
        [1.56m, 1.50m, 1.48m, 1.05m, 1.04m, 1.01m, 0.97m, 0.95m],
        [1.54m, 1.47m, 1.46m, 1.00m, 0.97m, 0.95m, 0.94m, 0.93m],
        [1.50m, 1.44m, 1.43m, 0.96m, 0.95m, 0.94m, 0.93m, 0.91m],
        [1.46m, 1.40m, 1.39m, 0.93m, 0.92m, 0.91m, 0.90m, 0.86m],
        [1.43m, 1.36m, 1.35m, 0.91m, 0.90m, 0.89m, 0.88m, 0.83m],
    ];

    private static readonly Dictionary<string, decimal> BonusMalusByClass = new(StringComparer.Ordinal)
    {
        ["M"] = 3.92m, ["0"] = 2.94m, ["1"] = 2.25m, ["2"] = 1.76m, ["3"] = 1.17m, ["4"] = 1.00m, ["5"] = 0.91m, ["6"] = 0.83m,
        ["7"] = 0.78m, ["8"] = 0.74m, ["9"] = 0.68m, ["10"] = 0.63m, ["11"] = 0.57m, ["12"] = 0.52m, ["13"] = 0.46m,
    };

    // By the number plate's code of the region.
    private static readonly Dictionary<string, decimal> TerritoryByCode = new(StringComparer.Ordinal)
    {
        ["77"] = 1.80m, // Moscow
        ["78"] = 1.64m, // St Petersburg
        ["63"] = 0.92m, // Samara region
    };

    private static readonly int[] PowerAbove = [0, 50, 70, 100, 120, 150];
    private static readonly decimal[] PowerFactors = [0.6m, 1.0m, 1.1m, 1.2m, 1.4m, 1.6m];

    // From three months on; a shorter contract costs as much as one of three.
    private static readonly decimal[] TermFactors = [0.5m, 0.6m, 0.65m, 0.7m, 0.8m, 0.9m, 0.95m];

    public static decimal Territory(string code) => TerritoryByCode.GetValueOrDefault(code, OtherTerritories);

    public static decimal BonusMalus(string @class) => BonusMalusByClass[@class];

    /// <summary>Null where nobody of that age can have that experience.</summary>
    public static decimal? OfDriver(int age, int experience)
    {
        var (row, column) = (LastNotAbove(AgesFrom, age), LastNotAbove(ExperienceFrom, experience));
        return row >= 0 && column >= 0 && column < AgeExperience[row].Length ? AgeExperience[row][column] : null;
    }

    public static decimal Power(int horsePower) => PowerFactors[LastNotAbove(PowerAbove, horsePower - 1)];

    public static decimal Term(int months) => months >= 10 ? 1 : TermFactors[Math.Max(months, 3) - 3];

    private static int LastNotAbove(int[] bounds, int value) => Array.FindLastIndex(bounds, bound => bound <= value);
}
