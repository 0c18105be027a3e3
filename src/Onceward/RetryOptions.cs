namespace Onceward;

/// <summary>What happens to a record whose handler fails.</summary>
/// <remarks>
/// Its key is parked in the ledger, with the later records of the key behind it, while the partition goes on. It is tried again with growing
/// pauses; when its attempts are spent it becomes a dead letter and the key goes on, or waits for a person (<see cref="HoldKey"/>). A record
/// without a key is parked alone: Kafka promises no order for it.
/// </remarks>
public sealed class RetryOptions
{
    /// <summary>After how many failed attempts a record becomes a dead letter. Default: 8, which takes a minute and a half.</summary>
    public RetryOptions Attempts(int attempts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(attempts, 1);
        MaxAttempts = attempts;
        return this;
    }

    /// <summary>The pause after the first failure, doubled after each further one up to <paramref name="longest"/>, with jitter. Default: 1 s to 1 min.</summary>
    public RetryOptions Backoff(TimeSpan first, TimeSpan longest)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(first, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(longest, first);
        Delays = new Handling.Backoff(first, longest);
        return this;
    }

    /// <summary>
    /// Keeps a key parked when the attempts of its head are spent, until a person retries, edits or discards it: for topics where a later record
    /// must never be applied without the earlier one. Default: the record becomes a dead letter and the key goes on.
    /// </summary>
    public RetryOptions HoldKey(bool hold = true)
    {
        HoldsKey = hold;
        return this;
    }

    /// <summary>
    /// How long a handler may work on one record, a set-based one on one call. Past it the handler is cancelled and the record parked. Default: 20 s;
    /// never more than two thirds of <see cref="LaneOptions.IdleInTransactionTimeout"/> and <see cref="LaneOptions.StatementTimeout"/>, past which the
    /// server would end the session before the record is found.
    /// </summary>
    public RetryOptions TimeLimit(TimeSpan limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, TimeSpan.FromDays(1));
        HandlerTimeLimit = limit;
        return this;
    }

    /// <summary>
    /// How much the topic may have parked at once. Beyond it the partition blocks at the record that fails, visibly, and waits: PostgreSQL is not
    /// to become a second Kafka. The caps are checked before a transaction parks, so that lanes which park at the same moment may pass them by
    /// a batch each.
    /// </summary>
    /// <param name="keys">Default: 1,000. More keys than that do not fail one by one.</param>
    /// <param name="records">Default: 10,000, seconds of work for the redrive.</param>
    public RetryOptions Caps(int keys, int records)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keys, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(records, 1);
        (MaxParkedKeys, MaxParkedRecords) = (keys, records);
        return this;
    }

    /// <summary>
    /// When this <paramref name="ratio"/> of a lane's records fails, and at least <paramref name="failures"/> of them within twice the
    /// <paramref name="window"/>, it is what they depend on that is broken: the partition blocks at the record that fails and tries it again until
    /// it succeeds, instead of parking record after record. Default: half of them, 20, 30 s.
    /// </summary>
    public RetryOptions Circuit(double ratio, int failures, TimeSpan window)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ratio);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ratio, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(failures, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(window, TimeSpan.Zero);
        (CircuitRatio, CircuitFailures, CircuitWindow) = (ratio, failures, window);
        return this;
    }

    internal int MaxAttempts { get; private set; } = 8;

    internal Handling.Backoff Delays { get; private set; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    internal TimeSpan HandlerTimeLimit { get; private set; } = TimeSpan.FromSeconds(20);

    internal bool HoldsKey { get; private set; }

    internal int MaxParkedKeys { get; private set; } = 1000;

    internal int MaxParkedRecords { get; private set; } = 10_000;

    internal double CircuitRatio { get; private set; } = 0.5;

    internal int CircuitFailures { get; private set; } = 20;

    internal TimeSpan CircuitWindow { get; private set; } = TimeSpan.FromSeconds(30);
}
