using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Insurance.Contracts;
using Enum = System.Enum;

namespace Insurance.Gateway;

/// <summary>What an event must be like to be published: complete, and plausible enough to be no slip of a keyboard.</summary>
internal sealed class EventRules(TimeProvider time)
{
    /// <summary>An event must pass every broker's default limit of 1 MB with room for its copy in a dead letter's envelope.</summary>
    public const int MaxEventBytes = 512 * 1024;

    private const int MaxIdLength = 64;
    private const int MaxTerritoryLength = 16;
    private const int MaxDrivers = 20;
    private const int MinAge = 16;
    private const int MaxAge = 110;
    private const int MaxEnginePower = 3_000;

    /// <summary>A year of cover, and a leap day in it.</summary>
    private const int MaxTermDays = 366;

    /// <summary>A million roubles: a hundred times the highest base rate there is.</summary>
    private const long MaxBaseRateKopecks = 100_000_000;

    private static readonly DateOnly FirstDay = new(2000, 1, 1);
    private static readonly DateOnly LastDay = new(2099, 12, 31);
    private static readonly HashSet<string> BonusMalusClasses = ["M", .. Enumerable.Range(0, 14).Select(number => $"{number}")];

    /// <summary>Null where the event may be published, else why not.</summary>
    public Status? Check(PolicyEvent? policyEvent)
    {
        var violations = new Violations();
        if (!violations.Present("event", policyEvent))
            return violations.ToStatus();
        var size = policyEvent.CalculateSize();
        if (size > MaxEventBytes)
        {
            // Nothing inside is worth a look: however it is spelled, this is no policy event.
            violations.Add("event", $"has {size} bytes; at most {MaxEventBytes}");
            return violations.ToStatus();
        }

        violations.Id("event.event_id", policyEvent.EventId, MaxIdLength);
        violations.Id("event.policy_id", policyEvent.PolicyId, MaxIdLength);
        CheckMoment(violations, policyEvent.OccurredAt);
        switch (policyEvent.KindCase)
        {
            case PolicyEvent.KindOneofCase.Issued:
                violations.Id("event.issued.holder_id", policyEvent.Issued.HolderId, MaxIdLength);
                CheckTerms(violations, "event.issued.terms", policyEvent.Issued.Terms);
                break;
            case PolicyEvent.KindOneofCase.Renewed:
                CheckTerms(violations, "event.renewed.terms", policyEvent.Renewed.Terms);
                break;
            case PolicyEvent.KindOneofCase.Cancelled:
                CheckChoice(violations, "event.cancelled.reason", policyEvent.Cancelled.Reason);
                CheckDate(violations, "event.cancelled.effective_on", policyEvent.Cancelled.EffectiveOn);
                break;
            default:
                violations.Add("event.kind", "must be issued, renewed or cancelled; another kind is not known here");
                break;
        }

        return violations.Count == 0 ? null : violations.ToStatus();
    }

    private void CheckMoment(Violations violations, Timestamp? occurredAt)
    {
        const string field = "event.occurred_at";
        if (!violations.Present(field, occurredAt))
            return;
        var first = new DateTimeOffset(FirstDay, TimeOnly.MinValue, TimeSpan.Zero);
        // A day ahead forgives every time zone and most clocks.
        var last = time.GetUtcNow().AddDays(1);
        if (occurredAt.Nanos is < 0 or > 999_999_999)
            violations.Add(field, "is no valid timestamp");
        else if (occurredAt.Seconds < first.ToUnixTimeSeconds() || occurredAt.Seconds > last.ToUnixTimeSeconds())
            violations.Add(field, $"must lie between {first:yyyy-MM-dd} and a day from now");
    }

    private static void CheckTerms(Violations violations, string field, PolicyTerms? terms)
    {
        if (!violations.Present(field, terms))
            return;
        if (violations.Present($"{field}.vehicle", terms.Vehicle))
        {
            CheckChoice(violations, $"{field}.vehicle.category", terms.Vehicle.Category);
            violations.Range($"{field}.vehicle.engine_power_hp", terms.Vehicle.EnginePowerHp, 1, MaxEnginePower);
        }

        violations.Id($"{field}.territory_code", terms.TerritoryCode, MaxTerritoryLength);
        violations.Range($"{field}.base_rate_kopecks", terms.BaseRateKopecks, 0, MaxBaseRateKopecks);
        CheckDrivers(violations, $"{field}.drivers", terms.Drivers);
        var starts = CheckDate(violations, $"{field}.starts_on", terms.StartsOn);
        var ends = CheckDate(violations, $"{field}.ends_on", terms.EndsOn);
        var days = ends?.DayNumber - starts?.DayNumber;
        if (days is <= 0)
            violations.Add($"{field}.ends_on", "must be after starts_on");
        else if (days is > MaxTermDays)
            violations.Add($"{field}.ends_on", $"is {days} days after starts_on; at most {MaxTermDays}");
    }

    private static void CheckDrivers(Violations violations, string field, RepeatedField<Driver> drivers)
    {
        if (drivers.Count > MaxDrivers)
        {
            violations.Add(field, $"has {drivers.Count} drivers; at most {MaxDrivers}");
            return;
        }

        foreach (var (index, driver) in drivers.Index())
        {
            var path = $"{field}[{index}]";
            violations.Range($"{path}.age", driver.Age, MinAge, MaxAge);
            // Nobody drives before the minimum age, so a longer experience than this is a slip, not a veteran.
            violations.Range($"{path}.experience_years", driver.ExperienceYears, 0, Math.Max(0, Math.Min(driver.Age, MaxAge) - MinAge));
            if (!BonusMalusClasses.Contains(driver.BonusMalusClass))
                violations.Add($"{path}.bonus_malus_class", "must be M, or 0 to 13");
        }
    }

    private static DateOnly? CheckDate(Violations violations, string field, Date? date)
    {
        if (!violations.Present(field, date))
            return null;
        if (date.Year < FirstDay.Year || date.Year > LastDay.Year)
            violations.Add(field, $"must lie between {FirstDay:yyyy-MM-dd} and {LastDay:yyyy-MM-dd}");
        else if (date.Month is < 1 or > 12 || date.Day < 1 || date.Day > DateTime.DaysInMonth(date.Year, date.Month))
            violations.Add(field, "is no day of the calendar");
        else
            return new DateOnly(date.Year, date.Month, date.Day);
        return null;
    }

    private static void CheckChoice<T>(Violations violations, string field, T value)
        where T : struct, Enum
    {
        if (!Enum.IsDefined(value) || EqualityComparer<T>.Default.Equals(value, default))
            violations.Add(field, "must be one of its named values");
    }
}
