using Confluent.Kafka;

namespace Onceward.Broker.Crash;

/// <summary>How far a transaction has come, as its producer knows.</summary>
internal enum Fate
{
    /// <summary>Nobody has asked for its end.</summary>
    Open,

    /// <summary>Its commit was asked for and not answered: all of it or nothing.</summary>
    InDoubt,

    /// <summary>Its commit was answered.</summary>
    Committed,

    /// <summary>Its abort was asked for, or it was given up before its commit was.</summary>
    Aborted,
}

/// <summary>One transaction: how many records it has in each partition, and its fate.</summary>
internal sealed record Attempt(int Producer, long Number, IReadOnlyList<int> RecordsOfPartition, Fate Fate);

/// <summary>What producers had tried and were told at one moment.</summary>
/// <param name="Streams">By partition: the offset that each record, numbered from 0, was acknowledged with; -1: not yet.</param>
/// <param name="Attempts">All transactions.</param>
/// <param name="OffsetTold">The last plain commit of a group's offset that was answered.</param>
/// <param name="OffsetTried">The last one that was asked for.</param>
/// <param name="Failures">What a client must never be told here.</param>
internal sealed record Told(
    IReadOnlyDictionary<TopicPartition, long[]> Streams, IReadOnlyList<Attempt> Attempts, long OffsetTold, long OffsetTried, IReadOnlyList<string> Failures);

/// <summary>Takes down what producers try and are told. Thread-safe.</summary>
internal sealed class History
{
    private const long NotYet = -1;

    private readonly Lock guard = new();
    private readonly Dictionary<TopicPartition, List<long>> streams = [];
    private readonly Dictionary<(int Producer, long Number), Attempt> attempts = [];
    private readonly List<string> failures = [];
    private long offsetTold;
    private long offsetTried;

    /// <summary>The number of the next record of a partition.</summary>
    public long Send(TopicPartition partition)
    {
        lock (guard)
        {
            if (!streams.TryGetValue(partition, out var offsets))
                streams[partition] = offsets = [];
            offsets.Add(NotYet);
            return offsets.Count - 1;
        }
    }

    public void Acknowledge(TopicPartition partition, long number, long offset)
    {
        lock (guard)
            streams[partition][(int)number] = offset;
    }

    public void Note(Attempt attempt)
    {
        lock (guard)
            attempts[(attempt.Producer, attempt.Number)] = attempt;
    }

    public void TryOffset(long offset)
    {
        lock (guard)
            offsetTried = offset;
    }

    public void TellOffset(long offset)
    {
        lock (guard)
            offsetTold = offset;
    }

    public void Fail(string what)
    {
        lock (guard)
            failures.Add(what);
    }

    public Told Take()
    {
        lock (guard)
            return new Told(streams.ToDictionary(stream => stream.Key, stream => stream.Value.ToArray()), [.. attempts.Values], offsetTold, offsetTried, [.. failures]);
    }
}
