namespace Onceward.Broker.Groups;

/// <summary>The two clocks of a group: one that never jumps, for deadlines, and the calendar, for records.</summary>
internal sealed class GroupClock(TimeProvider time)
{
    /// <summary>Milliseconds since some moment. Never goes back.</summary>
    public long Now => (long)time.GetElapsedTime(0).TotalMilliseconds;

    /// <summary>Milliseconds since 1970, UTC.</summary>
    public long Wall => time.GetUtcNow().ToUnixTimeMilliseconds();
}
