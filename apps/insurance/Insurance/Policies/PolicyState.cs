namespace Insurance.Policies;

/// <summary>What is known of a policy after the events so far.</summary>
/// <param name="HolderId">Who insured.</param>
/// <param name="Status">Whether it was cancelled.</param>
/// <param name="StartsOn">The first day of the latest term.</param>
/// <param name="EndsOn">The first day after the latest term, as contracted; a cancellation does not move it.</param>
/// <param name="CancelledOn">The first day without cover, where it was cancelled.</param>
/// <remarks>One term is kept, the latest: a renewal concluded ahead replaces the one still running.</remarks>
internal sealed record PolicyState(string HolderId, PolicyStatus Status, DateOnly StartsOn, DateOnly EndsOn, DateOnly? CancelledOn = null);

internal enum PolicyStatus
{
    Active,
    Cancelled,
}

/// <summary>The status as the tables spell it.</summary>
internal static class PolicyStatusText
{
    public const string Active = "active";
    public const string Cancelled = "cancelled";

    public static string ToText(this PolicyStatus status) => status == PolicyStatus.Cancelled ? Cancelled : Active;

    public static PolicyStatus Parse(string text) => text switch
    {
        Active => PolicyStatus.Active,
        Cancelled => PolicyStatus.Cancelled,
        _ => throw new ArgumentOutOfRangeException(nameof(text), text, "No policy is in this state; the table was changed by hand."),
    };
}
