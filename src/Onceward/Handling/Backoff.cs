namespace Onceward.Handling;

/// <summary>Doubling pauses with jitter: half of the pause is fixed, half is random, so that those who failed together return apart.</summary>
internal readonly record struct Backoff(TimeSpan First, TimeSpan Longest)
{
    /// <summary>The pause after failure number <paramref name="failure"/>, counted from 1.</summary>
    public TimeSpan After(int failure, Random random)
    {
        // 2^30 of any first pause is past every longest one; the bound keeps the shift from overflowing.
        var doubled = First.Ticks * (double)(1L << Math.Clamp(failure - 1, 0, 30));
        var pause = Math.Min(doubled, Longest.Ticks);
        return TimeSpan.FromTicks((long)((pause / 2) + (pause / 2 * random.NextDouble())));
    }
}
