namespace Onceward.Broker.Groups;

/// <summary>The two clocks of a group: one that never jumps, for deadlines, and the calendar, for records.</summary>
internal sealed class GroupClock(TimeProvider time)
{
    /// <summary>Milliseconds since some moment. Never goes back.</summary>
    /// <remarks>Whole numbers all the way: a double would be off by a millisecond where the clock's own count is large.</remarks>
    public long Now => (long)((Int128)time.GetTimestamp() * 1000 / time.TimestampFrequency);

    /// <summary>Milliseconds since 1970, UTC.</summary>
    public long Wall => time.GetUtcNow().ToUnixTimeMilliseconds();
}
