using Onceward.Broker.Log;

namespace Onceward.Broker.Fetching;

/// <summary>Waits until one of several logs has moved, or a time is over. No thread waits with it.</summary>
/// <remarks>A move between two waits is not lost: the next wait ends at once.</remarks>
internal sealed class FetchWait : ILogWaiter, IDisposable
{
    private readonly FetchPlan plan;
    private readonly ITimer timer;
    private readonly CancellationTokenRegistration stopping;
    private TaskCompletionSource moved = Fresh();
    private bool isOver;

    public FetchWait(FetchPlan plan, TimeSpan longest, TimeProvider clock, CancellationToken cancellationToken)
    {
        this.plan = plan;
        timer = clock.CreateTimer(static wait => ((FetchWait)wait!).End(), this, longest, Timeout.InfiniteTimeSpan);
        stopping = cancellationToken.UnsafeRegister(static wait => ((FetchWait)wait!).End(), this);
        foreach (var partition in plan.Partitions)
            partition.Log?.Waiters.Add(this);
    }

    /// <summary>Whether the time is over, or the broker stops: then what there is, is answered.</summary>
    public bool IsOver => Volatile.Read(ref isOver);

    public void LogMoved(PartitionLog log) => Volatile.Read(ref moved).TrySetResult();

    public async ValueTask NextAsync()
    {
        await Volatile.Read(ref moved).Task.ConfigureAwait(false);
        if (!IsOver)
            Volatile.Write(ref moved, Fresh());
        if (IsOver) // It ended between the two lines above.
            LogMoved(null!);
    }

    public void Dispose()
    {
        foreach (var partition in plan.Partitions)
            partition.Log?.Waiters.Remove(this);
        timer.Dispose();
        stopping.Dispose();
    }

    private static TaskCompletionSource Fresh() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void End()
    {
        Volatile.Write(ref isOver, true);
        Volatile.Read(ref moved).TrySetResult();
    }
}
