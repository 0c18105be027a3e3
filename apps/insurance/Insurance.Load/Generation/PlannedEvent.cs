using Insurance.Contracts;

namespace Insurance.Load.Generation;

/// <summary>What happens to a policy, as the journal names it.</summary>
internal enum EventKind
{
    Issued,
    Renewed,
    Cancelled,
}

/// <summary>Whether the client sends an event more often than it has to, always under the same id.</summary>
internal enum Repetition
{
    None,

    /// <summary>Twice at once, as an impatient client does.</summary>
    Double,

    /// <summary>Again after the acknowledgement, as a client does that lost the answer.</summary>
    Again,
}

/// <summary>One event of the plan, ready to be sent any number of times.</summary>
/// <param name="Policy">The policy's number.</param>
/// <param name="Seq">The event's number in its policy, dense from 0.</param>
/// <param name="Kind">What it says.</param>
/// <param name="Contradiction">It says what the policy's past rules out, so the system should reject it.</param>
/// <param name="Repetition">Whether it is sent more than once on purpose.</param>
/// <param name="Position">Its number in its stream, from 0: with a rate, this fixes when it is due.</param>
/// <param name="Request">The bytes are the same at every sending.</param>
internal sealed record PlannedEvent(
    int Policy, int Seq, EventKind Kind, bool Contradiction, Repetition Repetition, int Position, PublishRequest Request)
{
    public string EventId => Request.Event.EventId;

    public string PolicyId => Request.Event.PolicyId;
}
