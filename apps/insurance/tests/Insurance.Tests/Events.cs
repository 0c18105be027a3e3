using Google.Protobuf.WellKnownTypes;
using Insurance.Contracts;

namespace Insurance.Tests;

/// <summary>Events as the gateway lets them in.</summary>
internal static class Events
{
    public static readonly DateOnly Start = new(2026, 3, 1);

    public static PolicyEvent Issue(string policy, string id, PolicyTerms? terms = null) =>
        Of(policy, id, e => e.Issued = new PolicyIssued { HolderId = "holder-1", Terms = terms ?? Terms() });

    public static PolicyEvent Renew(string policy, string id, PolicyTerms? terms = null) =>
        Of(policy, id, e => e.Renewed = new PolicyRenewed { Terms = terms ?? Terms(Start.AddYears(1)) });

    public static PolicyEvent Cancel(string policy, string id, DateOnly? effective = null) => Of(policy, id, e => e.Cancelled = new PolicyCancelled
    {
        Reason = CancellationReason.HolderRequest,
        EffectiveOn = ToDate(effective ?? Start.AddDays(165)),
    });

    public static PolicyTerms Terms(DateOnly? starts = null, DateOnly? ends = null)
    {
        var first = starts ?? Start;
        return new PolicyTerms
        {
            Vehicle = new Vehicle { Category = VehicleCategory.Car, EnginePowerHp = 110 },
            TerritoryCode = "77",
            Drivers = { new Driver { Age = 40, ExperienceYears = 20, BonusMalusClass = "4" } },
            BaseRateKopecks = 500_000,
            StartsOn = ToDate(first),
            EndsOn = ToDate(ends ?? first.AddYears(1)),
        };
    }

    public static Date ToDate(DateOnly day) => new() { Year = day.Year, Month = day.Month, Day = day.Day };

    private static PolicyEvent Of(string policy, string id, Action<PolicyEvent> kind)
    {
        var policyEvent = new PolicyEvent
        {
            EventId = id,
            PolicyId = policy,
            OccurredAt = Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 2, 20, 12, 0, 0, TimeSpan.Zero)),
        };
        kind(policyEvent);
        return policyEvent;
    }
}
