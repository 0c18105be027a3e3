using System.Collections.Concurrent;
using Insurance.Load.Journal;

namespace Insurance.Load.Driving;

/// <summary>What a run has done so far; every stream adds to it.</summary>
internal sealed class LoadTotals
{
    private readonly ConcurrentDictionary<string, long> _refused = [];
    private long _sent;
    private long _acknowledged;
    private long _resent;
    private long _repeated;
    private long _gaveUp;
    private long _broken;

    public LatencyHistogram Latency { get; } = new();

    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>In the journal, on disk.</summary>
    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    public long Resent => Interlocked.Read(ref _resent);

    public long GaveUp => Interlocked.Read(ref _gaveUp);

    public long BrokenStreams => Interlocked.Read(ref _broken);

    public long Refused => _refused.Values.Sum();

    /// <summary>What last went wrong, for the eyes of who waits.</summary>
    public string? LastTrouble { get; set; }

    public void AddSent(bool isFirst, bool isDouble, bool isRepeat)
    {
        if (isFirst)
            Interlocked.Increment(ref _sent);
        else if (!isRepeat && !isDouble)
            Interlocked.Increment(ref _resent);
        if (isDouble || isRepeat)
            Interlocked.Increment(ref _repeated);
    }

    public void AddAcknowledged(int count) => Interlocked.Add(ref _acknowledged, count);

    public void AddRefused(string reason) => _refused.AddOrUpdate(reason, 1, (_, count) => count + 1);

    public void AddGaveUp(int count) => Interlocked.Add(ref _gaveUp, count);

    public void AddBroken(string trouble)
    {
        Interlocked.Increment(ref _broken);
        LastTrouble = trouble;
    }

    public JournalFooter ToFooter(bool interrupted, TimeSpan elapsed) => new(
        Sent,
        Acknowledged,
        new SortedDictionary<string, long>(_refused, StringComparer.Ordinal),
        Resent,
        Interlocked.Read(ref _repeated),
        GaveUp,
        interrupted,
        Math.Round(elapsed.TotalSeconds, 3),
        Latency.Summary());
}
