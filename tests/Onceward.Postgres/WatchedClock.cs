using Microsoft.Extensions.Time.Testing;

namespace Onceward.Postgres;

/// <summary>A clock that only the test moves, and that says whether somebody waits by it.</summary>
internal sealed class WatchedClock : FakeTimeProvider
{
    private int _waits;

    /// <summary>How often somebody has begun to wait.</summary>
    public int Waits => Volatile.Read(ref _waits);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        Interlocked.Increment(ref _waits);
        return timer;
    }
}
