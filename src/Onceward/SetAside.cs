namespace Onceward;

/// <summary>Which parked keys or dead letters an operation is about. What is left out matches everything.</summary>
public sealed record SetAsideFilter
{
    /// <summary>The worker.</summary>
    public string? Worker { get; init; }

    /// <summary>The input topic.</summary>
    public string? Topic { get; init; }

    /// <summary>The record's key.</summary>
    public byte[]? Key { get; init; }

    /// <summary>The partition of a record.</summary>
    public int? Partition { get; init; }

    /// <summary>The offset of a record.</summary>
    public long? Offset { get; init; }

    /// <summary>The number of a dead letter.</summary>
    public long? Id { get; init; }

    /// <summary>The reason as it is listed: a code of ours, <c>SQLSTATE 23505</c>, the type of an exception.</summary>
    public string? Reason { get; init; }

    /// <summary>Of parked keys <c>waiting</c> or <c>held</c>; of dead letters <c>open</c>, <c>parked</c>, <c>applied</c> or <c>discarded</c>.</summary>
    public string? State { get; init; }

    /// <summary>Most that is listed or touched. Default: 100, a screen or two; the oldest come first.</summary>
    public int Limit { get; init; } = 100;
}

/// <summary>Who decides, and how far it may go.</summary>
/// <param name="By">Written into the histories.</param>
/// <param name="DryRun">Whether to say what would happen, and do nothing.</param>
/// <param name="Force">Whether to go on where the order of a key would be broken. It is noted as an incident.</param>
public sealed record Intervention(string By, bool DryRun = false, bool Force = false);

/// <summary>What an intervention did, or in a dry run would do.</summary>
public enum Verdict
{
    /// <summary>It is done, or would be.</summary>
    Applies,

    /// <summary>The dead letter was sent back before and has taken effect since: nothing to do.</summary>
    AlreadyApplied,

    /// <summary>It waits in its key already: nothing to do.</summary>
    AlreadyParked,

    /// <summary>Somebody discarded it. Force sends it back all the same.</summary>
    AlreadyDiscarded,

    /// <summary>Later records of the key have been applied, or may have been: the ledger cannot rule it out. Refused unless forced.</summary>
    BreaksOrder,
}

/// <summary>The verdict about one record or key.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Topic">The input topic.</param>
/// <param name="Key">The key, if there is one.</param>
/// <param name="Position">The record as <c>partition@offset</c>, where it is about one.</param>
/// <param name="Verdict">What was, or would be, done.</param>
public sealed record Outcome(string Worker, string Topic, byte[]? Key, string? Position, Verdict Verdict);

/// <summary>A key that waits.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Topic">The input topic.</param>
/// <param name="Key">The key; <see langword="null"/> for a record without one, which waits alone.</param>
/// <param name="State"><c>waiting</c> for its next attempt, or <c>held</c> until a person decides.</param>
/// <param name="Records">How many records wait in it.</param>
/// <param name="Attempts">How often its head has failed.</param>
/// <param name="NextAttemptAt">When it is tried again, if it is waiting.</param>
/// <param name="ParkedAt">Since when.</param>
/// <param name="Reason">What its head failed with, in short.</param>
/// <param name="Error">And in full.</param>
public sealed record ParkedKeyInfo(
    string Worker, string Topic, byte[]? Key, string State, long Records, int Attempts, DateTimeOffset NextAttemptAt, DateTimeOffset ParkedAt, string Reason, string Error);

/// <summary>A record that waits in a key.</summary>
/// <param name="Partition">Where it comes from.</param>
/// <param name="Offset">Where it comes from.</param>
/// <param name="Value">Its value, edited or not.</param>
/// <param name="ParkedAt">Since when.</param>
/// <param name="EditedBy">Who edited it, if somebody did.</param>
public sealed record ParkedRecordInfo(int Partition, long Offset, byte[]? Value, DateTimeOffset ParkedAt, string? EditedBy);

/// <summary>A dead letter.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Worker">The worker.</param>
/// <param name="Topic">The input topic.</param>
/// <param name="Partition">Where it comes from.</param>
/// <param name="Offset">Where it comes from.</param>
/// <param name="Key">Its key, if it has one.</param>
/// <param name="Value">Its value, edited or not.</param>
/// <param name="State"><c>open</c>, <c>parked</c> when it was sent back, <c>applied</c> or <c>discarded</c>.</param>
/// <param name="Attempts">How often it failed.</param>
/// <param name="At">When it became a dead letter.</param>
/// <param name="Reason">Why, in short.</param>
/// <param name="Error">And in full.</param>
public sealed record DeadLetterInfo(
    long Id, string Worker, string Topic, int Partition, long Offset, byte[]? Key, byte[]? Value, string State, int Attempts, DateTimeOffset At, string Reason, string Error);
