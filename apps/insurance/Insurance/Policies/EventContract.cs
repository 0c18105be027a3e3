using Insurance.Contracts;
using Onceward;

namespace Insurance.Policies;

/// <summary>What every record of <see cref="Topology.AutoEvents"/> must have before a rule can look at it.</summary>
/// <remarks>
/// The gateway lets nothing else in. A record that breaks this was written past it: there is no policy to enter a rejection under, so it is
/// an error of the record, and ends among the dead letters.
/// </remarks>
internal static class EventContract
{
    public const string Issued = "issued";
    public const string Renewed = "renewed";
    public const string Cancelled = "cancelled";

    /// <summary>The event's kind, as the tables spell it.</summary>
    /// <exception cref="MalformedRecordException">It has none, lacks an id, or lies under a foreign key.</exception>
    public static string KindOf(in Received<PolicyEvent> received)
    {
        var (policyEvent, at) = (received.Message, received.Position);
        if (policyEvent.EventId.Length == 0 || policyEvent.PolicyId.Length == 0)
            throw new MalformedRecordException(at, "has no event_id or no policy_id");
        // Only the key keeps a policy's events in one partition, and so in order and in one transaction at a time.
        if (received.Key != policyEvent.PolicyId)
            throw new MalformedRecordException(at, $"is about policy {policyEvent.PolicyId} under the key {received.Key ?? "(none)"}");
        return policyEvent.KindCase switch
        {
            PolicyEvent.KindOneofCase.Issued => Issued,
            PolicyEvent.KindOneofCase.Renewed => Renewed,
            PolicyEvent.KindOneofCase.Cancelled => Cancelled,
            _ => throw new MalformedRecordException(at, "is neither an issue nor a renewal nor a cancellation"),
        };
    }

    /// <summary>The id to drop repetitions by. Records without one are all different, and all malformed.</summary>
    public static string? RepetitionId(string eventId) => eventId.Length > 0 ? eventId : null;
}
