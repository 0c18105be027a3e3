namespace Onceward.Broker.Fetching;

/// <summary>Waits until one of several logs has moved, or a time is over. No thread waits with it.</summary>
/// <remarks>A move between two waits is not lost: the next wait ends at once.</remarks>
internal sealed class FetchWait : IDisposable
{
    private readonly FetchPlan plan;
    private readonly Action tell;
    private readonly ITimer timer;
    private readonly CancellationTokenRegistration stopping;
    private TaskCompletionSource moved = Fresh();
    private bool isOver;

    public FetchWait(FetchPlan plan, TimeSpan longest, TimeProvider clock, CancellationToken cancellationToken)
    {
        (this.plan, tell) = (plan, Tell);
        timer = clock.CreateTimer(static wait => ((FetchWait)wait!).End(), this, longest, Timeout.InfiniteTimeSpan);
        stopping = cancellationToken.UnsafeRegister(static wait => ((FetchWait)wait!).End(), this);
        foreach (var partition in plan.Partitions)
            partition.Log?.Waiters.Add(tell);
    }

    /// <summary>Whether the time is over, or the broker stops: then what there is, is answered.</summary>
    public bool IsOver => Volatile.Read(ref isOver);

    /// <summary>To be followed by a look at the logs and at <see cref="IsOver"/>: what happens from here on ends the next wait.</summary>
    public async ValueTask NextAsync()
    {
        await Volatile.Read(ref moved).Task.ConfigureAwait(false);
        Volatile.Write(ref moved, Fresh());
    }

    public void Dispose()
    {
        foreach (var partition in plan.Partitions)
            partition.Log?.Waiters.Remove(tell);
        timer.Dispose();
        stopping.Dispose();
    }

    private static TaskCompletionSource Fresh() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Tell() => Volatile.Read(ref moved).TrySetResult();

    private void End()
    {
        Volatile.Write(ref isOver, true);
        Tell();
    }
}
