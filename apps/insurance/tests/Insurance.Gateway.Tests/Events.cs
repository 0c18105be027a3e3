using Google.Protobuf.WellKnownTypes;
using Insurance.Contracts;

namespace Insurance.Gateway.Tests;

/// <summary>Events with nothing wrong about them.</summary>
internal static class Events
{
    public static PolicyEvent Issued(string eventId = "e-1", string policyId = "p-1") =>
        Base(eventId, policyId, e => e.Issued = new PolicyIssued { HolderId = "h-1", Terms = Terms() });

    public static PolicyEvent Renewed() => Base("e-2", "p-1", e => e.Renewed = new PolicyRenewed { Terms = Terms() });

    public static PolicyEvent Cancelled() => Base("e-3", "p-1", e => e.Cancelled = new PolicyCancelled
    {
        Reason = CancellationReason.VehicleSold,
        EffectiveOn = Day(2026, 9, 1),
    });

    public static Date Day(int year, int month, int day) => new() { Year = year, Month = month, Day = day };

    private static PolicyEvent Base(string eventId, string policyId, Action<PolicyEvent> kind)
    {
        var policyEvent = new PolicyEvent
        {
            EventId = eventId,
            PolicyId = policyId,
            OccurredAt = Timestamp.FromDateTime(new DateTime(2026, 2, 20, 12, 0, 0, DateTimeKind.Utc)),
        };
        kind(policyEvent);
        return policyEvent;
    }

    private static PolicyTerms Terms() => new()
    {
        Vehicle = new Vehicle { Category = VehicleCategory.Car, EnginePowerHp = 110 },
        TerritoryCode = "77",
        Drivers = { new Driver { Age = 40, ExperienceYears = 20, BonusMalusClass = "13" } },
        BaseRateKopecks = 753_500,
        StartsOn = Day(2026, 3, 1),
        EndsOn = Day(2027, 3, 1),
    };
}
