namespace Onceward.Faults.Nemesis;

/// <summary>Waits for what a fault leaves behind.</summary>
internal static class Evidence
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(200);

    /// <summary>Asks until the answer is more than nothing, or the limit is over. Returns the last answer.</summary>
    public static async Task<long> AwaitAsync(Func<Task<long>> count, CancellationToken cancellationToken, TimeSpan? limit = null)
    {
        for (var since = TimeProvider.System.GetTimestamp(); ;)
        {
            var found = await count();
            if (found > 0 || TimeProvider.System.GetElapsedTime(since) > (limit ?? s_limit))
                return found;
            await Task.Delay(s_step, cancellationToken);
        }
    }
}
