namespace Onceward.Broker.Log;

/// <summary>Lets those who wait for a flush share one: while one runs, the next gathers.</summary>
/// <param name="flush">Blocks until what was appended before it is on disk; says up to where that is.</param>
internal sealed class FlushGate(Func<long> flush)
{
    private readonly Lock guard = new();
    private Task? gathering; // Has not begun: whoever joins now is included.
    private Task last = Task.CompletedTask;
    private long flushed = -1;

    /// <summary>Completes when everything before <paramref name="offset"/> is on disk.</summary>
    /// <exception cref="IOException">The disk failed, or the log is closed.</exception>
    public Task UpTo(long offset)
    {
        lock (guard)
        {
            if (flushed >= offset)
                return Task.CompletedTask;
            if (gathering is null)
                gathering = last = FlushAfter(last);
            return gathering;
        }
    }

    private async Task FlushAfter(Task before)
    {
        // Those who waited for the one before have its error; from here on a thread of the pool, not the caller's.
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        lock (guard)
            gathering = null;
        var end = flush();
        lock (guard)
            flushed = Math.Max(flushed, end);
    }
}
