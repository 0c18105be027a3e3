using Insurance.Contracts;

namespace Insurance.Policies;

/// <summary>Decides whether an event may follow what is known of its policy.</summary>
/// <remarks>
/// Pure, and total over what <see cref="EventContract"/> lets pass: a contradiction is an answer, not an exception. Underwriting and billing
/// each apply these rules to the same events in the same order, so their registers agree without asking each other.
/// </remarks>
internal static class PolicyRules
{
    /// <summary>A year of cover, and a leap day in it.</summary>
    public const int MaxTermDays = 366;

    public static Decision Decide(PolicyState? policy, PolicyEvent policyEvent) => policyEvent.KindCase switch
    {
        PolicyEvent.KindOneofCase.Issued => Issue(policy, policyEvent.Issued),
        PolicyEvent.KindOneofCase.Renewed => Renew(policy, policyEvent.Renewed),
        PolicyEvent.KindOneofCase.Cancelled => Cancel(policy, policyEvent.Cancelled),
        _ => new Decision.Rejected(Reasons.Incomplete),
    };

    private static Decision Issue(PolicyState? policy, PolicyIssued issued)
    {
        if (policy is not null)
            return new Decision.Rejected(Reasons.AlreadyIssued);
        if (issued.HolderId.Length == 0)
            return new Decision.Rejected(Reasons.Incomplete);
        if (Check(issued.Terms, out var starts, out var ends) is { } reason)
            return new Decision.Rejected(reason);
        return new Decision.Accepted(new PolicyState(issued.HolderId, PolicyStatus.Active, starts, ends));
    }

    private static Decision Renew(PolicyState? policy, PolicyRenewed renewed)
    {
        if (policy is null)
            return new Decision.Rejected(Reasons.NotIssued);
        if (policy.Status == PolicyStatus.Cancelled)
            return new Decision.Rejected(Reasons.Cancelled);
        if (Check(renewed.Terms, out var starts, out var ends) is { } reason)
            return new Decision.Rejected(reason);
        // A gap between the terms is the holder's business; two covers at once are not.
        if (starts < policy.EndsOn)
            return new Decision.Rejected(Reasons.OverlapsTerm);
        return new Decision.Accepted(policy with { StartsOn = starts, EndsOn = ends });
    }

    private static Decision Cancel(PolicyState? policy, PolicyCancelled cancelled)
    {
        if (policy is null)
            return new Decision.Rejected(Reasons.NotIssued);
        if (policy.Status == PolicyStatus.Cancelled)
            return new Decision.Rejected(Reasons.AlreadyCancelled);
        if (cancelled.EffectiveOn.Day() is not { } effective)
            return new Decision.Rejected(Reasons.Incomplete);
        if (effective < policy.StartsOn || effective >= policy.EndsOn)
            return new Decision.Rejected(Reasons.OutsideTerm);
        return new Decision.Accepted(policy with { Status = PolicyStatus.Cancelled, CancelledOn = effective });
    }

    private static string? Check(PolicyTerms? terms, out DateOnly starts, out DateOnly ends)
    {
        (starts, ends) = (default, default);
        if (terms?.StartsOn.Day() is not { } first || terms.EndsOn.Day() is not { } afterLast)
            return Reasons.Incomplete;
        (starts, ends) = (first, afterLast);
        return ends.DayNumber - starts.DayNumber is < 1 or > MaxTermDays ? Reasons.InvalidTerm : Insurability.Check(terms);
    }
}
