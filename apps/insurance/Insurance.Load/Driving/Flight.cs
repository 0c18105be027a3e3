using Insurance.Load.Generation;

namespace Insurance.Load.Driving;

/// <summary>One event between its first sending and its settlement. Guarded by its <see cref="SendWindow"/>.</summary>
internal sealed class Flight(PlannedEvent planned)
{
    public PlannedEvent Event { get; } = planned;

    /// <summary>When it was first given to a stream.</summary>
    public TimeSpan? FirstSent { get; set; }

    public TimeSpan LastSent { get; set; }

    public int Attempts { get; set; }

    /// <summary>How many copies are to be written now.</summary>
    public int Copies { get; set; }

    /// <summary>Copies written and not yet answered on this stream.</summary>
    public int Awaited { get; set; }

    /// <summary>One copy at least is published.</summary>
    public bool Accepted { get; set; }

    public bool Repeated { get; set; }

    /// <summary>A copy was refused for good.</summary>
    public bool Refused { get; set; }
}

/// <summary>What an answer did.</summary>
internal enum Settlement
{
    /// <summary>A copy of it is still awaited, or it repeats what was known.</summary>
    None,

    /// <summary>The event's first acceptance: it goes into the journal.</summary>
    Accepted,

    Refused,

    /// <summary>It will be sent again after a pause.</summary>
    Postponed,

    GivenUp,
}
