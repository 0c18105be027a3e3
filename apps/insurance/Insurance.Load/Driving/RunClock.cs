namespace Insurance.Load.Driving;

/// <summary>Time since the run began; never goes back.</summary>
internal sealed class RunClock(TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();

    public TimeSpan Now => time.GetElapsedTime(_start);
}
