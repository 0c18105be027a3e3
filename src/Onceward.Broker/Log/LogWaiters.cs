namespace Onceward.Broker.Log;

/// <summary>Something that waits for a log to move on. Called under no lock, maybe from several threads, and never blocks.</summary>
internal interface ILogWaiter
{
    void LogMoved(PartitionLog log);
}

/// <summary>Who waits for one partition. Costs nothing where nobody does.</summary>
internal sealed class LogWaiters
{
    private readonly Lock guard = new();
    private ILogWaiter[] waiting = [];

    public void Add(ILogWaiter waiter)
    {
        lock (guard)
            waiting = [.. waiting, waiter];
    }

    public void Remove(ILogWaiter waiter)
    {
        lock (guard)
            waiting = Array.FindAll(waiting, other => other != waiter);
    }

    public void Signal(PartitionLog log)
    {
        foreach (var waiter in Volatile.Read(ref waiting))
            waiter.LogMoved(log);
    }
}
