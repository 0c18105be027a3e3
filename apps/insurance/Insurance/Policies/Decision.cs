namespace Insurance.Policies;

/// <summary>What became of an event: one of the two records below.</summary>
internal abstract record Decision
{
    public const string AcceptedText = "accepted";
    public const string RejectedText = "rejected";

    private Decision()
    {
    }

    /// <summary>The event holds.</summary>
    /// <param name="State">The policy after it.</param>
    public sealed record Accepted(PolicyState State) : Decision;

    /// <summary>The event contradicts what is known, and changes nothing.</summary>
    /// <param name="Reason">One of <see cref="Reasons"/>.</param>
    public sealed record Rejected(string Reason) : Decision;
}
