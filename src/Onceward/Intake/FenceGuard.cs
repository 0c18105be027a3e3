using Onceward.Handling;

namespace Onceward.Intake;

/// <summary>Notices that two owners take one partition from each other again and again, and slows this one down so that the other gets on.</summary>
internal sealed class FenceGuard(TimeProvider time, Random random)
{
    // A rebalance costs one fence. Four in two minutes are no rebalance.
    private const int Suspicious = 4;
    private static readonly TimeSpan s_memory = TimeSpan.FromMinutes(2);
    private static readonly Backoff s_pause = new(TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1));

    private readonly Queue<long> _fences = new();

    /// <summary>Counts a fence. Returns how long to stay away, if this is a duel.</summary>
    public TimeSpan? Count()
    {
        var now = time.GetTimestamp();
        while (_fences.TryPeek(out var oldest) && time.GetElapsedTime(oldest, now) > s_memory)
            _fences.Dequeue();
        _fences.Enqueue(now);
        return _fences.Count < Suspicious ? null : s_pause.After(_fences.Count - Suspicious + 1, random);
    }
}
