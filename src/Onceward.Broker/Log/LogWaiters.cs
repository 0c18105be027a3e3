namespace Onceward.Broker.Log;

/// <summary>Who waits for one partition to move on. Costs nothing where nobody does.</summary>
/// <remarks>A waiter is called under no lock, maybe from several threads at once, and must not block.</remarks>
internal sealed class LogWaiters
{
    private readonly Lock guard = new();
    private Action[] waiting = [];

    public void Add(Action waiter)
    {
        lock (guard)
            waiting = [.. waiting, waiter];
    }

    public void Remove(Action waiter)
    {
        lock (guard)
            waiting = Array.FindAll(waiting, other => other != waiter);
    }

    public void Signal()
    {
        foreach (var waiter in Volatile.Read(ref waiting))
            waiter();
    }
}
