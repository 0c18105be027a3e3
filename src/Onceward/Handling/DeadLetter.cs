namespace Onceward.Handling;

/// <summary>A record whose attempts are spent, or that can never succeed.</summary>
internal sealed record DeadLetter(Subscription Subscription, Record Record, int Attempts, Exception Error)
{
    /// <summary>Its place among the parked records of its key, if it had one.</summary>
    public long? Arrival { get; init; }

    public string Reason => Failure.ReasonOf(Error);
}
