using System.Globalization;
using Insurance.Contracts;

namespace Insurance.Load.Generation;

/// <summary>What stays the same over a policy's life: the car, the place, who drives, the day it began.</summary>
internal readonly struct PolicyFacts
{
    /// <summary>The last year in which a term may begin and still end in the century that the gateway accepts.</summary>
    private const int LastYear = 2098;

    private static readonly string[] s_territories = ["77", "78", "50", "23", "66", "16", "54", "61", "02", "25"];
    private static readonly CancellationReason[] s_reasons = [.. Enum.GetValues<CancellationReason>().Where(reason => reason != default)];

    private readonly DateOnly _firstDay;
    private readonly ulong _seed;
    private readonly ulong _policy;

    public PolicyFacts(LoadPlan plan, int policy)
    {
        _seed = plan.Seed ^ 0x6661637473;
        _policy = (ulong)policy;
        var random = SplitMix.For(_seed, _policy);
        HolderId = $"holder-{random.Next() % 1_000_000_000}";
        _firstDay = DateOnly.FromDateTime(plan.Start.UtcDateTime).AddDays(random.Below(30));
    }

    public string HolderId { get; }

    /// <summary>The terms of the given year of cover, 0 for the first.</summary>
    public PolicyTerms Terms(int term)
    {
        var random = SplitMix.For(_seed, _policy, 1);
        var starts = Starts(term);
        var terms = new PolicyTerms
        {
            Vehicle = new Vehicle { Category = Category(random.Below(100)), EnginePowerHp = 45 + random.Below(300) },
            TerritoryCode = s_territories[random.Below(s_territories.Length)],
            BaseRateKopecks = 150_000 + 100L * random.Below(6_000),
            StartsOn = ToDate(starts),
            EndsOn = ToDate(starts.AddYears(1)),
        };
        // One policy in six lets anyone drive.
        for (var drivers = random.Below(6) == 0 ? 0 : 1 + random.Below(3); drivers > 0; drivers--)
            terms.Drivers.Add(Driver(ref random, term));
        return terms;
    }

    public PolicyCancelled Cancellation(int term, ref SplitMix random) => new()
    {
        Reason = s_reasons[random.Below(s_reasons.Length)],
        EffectiveOn = ToDate(Starts(term).AddDays(1 + random.Below(360))),
    };

    private static Driver Driver(ref SplitMix random, int term)
    {
        var age = 18 + random.Below(50);
        var years = Math.Min(term, 40);
        return new Driver
        {
            Age = age + years,
            ExperienceYears = random.Below(age - 17) + years,
            // Nobody reports an accident here: every year climbs a class.
            BonusMalusClass = Math.Min(13, 3 + random.Below(4) + years).ToString(CultureInfo.InvariantCulture),
        };
    }

    private static VehicleCategory Category(int percent) => percent switch
    {
        < 88 => VehicleCategory.Car,
        < 94 => VehicleCategory.Truck,
        < 98 => VehicleCategory.Motorcycle,
        _ => VehicleCategory.Bus,
    };

    private DateOnly Starts(int term) => _firstDay.AddYears(Math.Min(term, LastYear - _firstDay.Year));

    private static Date ToDate(DateOnly day) => new() { Year = day.Year, Month = day.Month, Day = day.Day };
}
