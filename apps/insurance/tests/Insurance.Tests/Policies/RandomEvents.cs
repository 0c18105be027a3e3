using Insurance.Contracts;

namespace Insurance.Tests.Policies;

/// <summary>Events of every kind, mostly sensible, with nonsense in any field.</summary>
internal static class RandomEvents
{
    private static readonly int[] Numbers = [int.MinValue, -1, 0, 1, 2, 12, 16, 31, 110, 2026, 9999, int.MaxValue];
    private static readonly string[] Texts = ["", "M", "13", "77", "nowhere"];

    public static PolicyEvent Next(Random random) => random.Next(3) switch
    {
        0 => Events.Issue("p", "e", Terms(random)),
        1 => Events.Renew("p", "e", Terms(random)),
        _ => Cancellation(random),
    };

    public static PolicyTerms Terms(Random random)
    {
        var starts = Events.Start.AddDays(random.Next(0, 3_000));
        var terms = Events.Terms(starts, starts.AddDays(random.Next(-2, 370)));
        terms.Drivers.Clear();
        for (var i = random.Next(4); i > 0; i--)
        {
            var age = random.Next(16, 90);
            terms.Drivers.Add(new Driver { Age = age, ExperienceYears = random.Next(age - 15), BonusMalusClass = $"{random.Next(14)}" });
        }

        terms.TerritoryCode = Texts[random.Next(1, Texts.Length)];
        terms.Vehicle.EnginePowerHp = random.Next(1, 400);
        terms.BaseRateKopecks = random.NextInt64(1, 2_000_000);
        if (random.Next(4) == 0)
            Spoil(terms, random);
        return terms;
    }

    private static PolicyEvent Cancellation(Random random)
    {
        var cancellation = Events.Cancel("p", "e", Events.Start.AddDays(random.Next(-5, 3_400)));
        if (random.Next(6) == 0)
            cancellation.Cancelled.EffectiveOn = AnyDate(random);
        return cancellation;
    }

    private static void Spoil(PolicyTerms terms, Random random)
    {
        switch (random.Next(7))
        {
            case 0: terms.StartsOn = AnyDate(random); break;
            case 1: terms.EndsOn = AnyDate(random); break;
            case 2: terms.Vehicle = random.Next(2) == 0 ? null : new Vehicle { Category = (VehicleCategory)random.Next(-1, 7), EnginePowerHp = Any(random) }; break;
            case 3: terms.BaseRateKopecks = random.NextInt64(long.MinValue, long.MaxValue); break;
            case 4: terms.Drivers.Add(new Driver { Age = Any(random), ExperienceYears = Any(random), BonusMalusClass = Texts[random.Next(Texts.Length)] }); break;
            case 5: terms.TerritoryCode = ""; break;
            default: (terms.StartsOn, terms.EndsOn) = (AnyDate(random), AnyDate(random)); break;
        }
    }

    private static Date? AnyDate(Random random) =>
        random.Next(5) == 0 ? null : new Date { Year = Any(random), Month = Any(random), Day = Any(random) };

    private static int Any(Random random) => Numbers[random.Next(Numbers.Length)];
}
