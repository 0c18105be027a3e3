namespace Onceward.Diagnostics;

/// <summary>The points of the data path where a crash is interesting.</summary>
internal enum Waypoint
{
    /// <summary>Records are read and made into a batch; the database knows nothing of them.</summary>
    Polled,

    /// <summary>The handlers have run; the offsets have not moved.</summary>
    EffectsApplied,

    /// <summary>The offsets have moved; COMMIT was not sent.</summary>
    Swapped,

    /// <summary>Records are parked and the offsets have moved past them; COMMIT was not sent.</summary>
    Parked,

    /// <summary>A parked record was applied again; COMMIT was not sent.</summary>
    Redriven,

    /// <summary>The same, and COMMIT has succeeded.</summary>
    RedriveCommitted,

    /// <summary>COMMIT has succeeded; nothing else knows.</summary>
    Committed,

    /// <summary>The relay has produced rows and position; the Kafka transaction is open.</summary>
    RelayProduced,

    /// <summary>The Kafka transaction is committed; PostgreSQL does not know.</summary>
    RelayCommitted,
}

/// <summary>Lets a test stop the process, or itself, at a point. Nothing is attached in production.</summary>
internal sealed class Waypoints
{
    public Func<Waypoint, ValueTask>? Reached { get; set; }

    public ValueTask ReachAsync(Waypoint point) => Reached?.Invoke(point) ?? ValueTask.CompletedTask;
}
