namespace Onceward.Broker.Crash;

/// <summary>Lets producers begin a step, or not; closing waits until those under way have ended theirs.</summary>
internal sealed class Gate
{
    private readonly Lock guard = new();
    private TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? emptied;
    private int inside;

    public void Open()
    {
        lock (guard)
            opened.TrySetResult();
    }

    public Task CloseAsync()
    {
        lock (guard)
        {
            if (opened.Task.IsCompleted)
                opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            emptied = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (inside == 0)
                emptied.SetResult();
            return emptied.Task;
        }
    }

    /// <summary>Blocks while the gate is closed.</summary>
    public void Enter(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task wait;
            lock (guard)
            {
                if (opened.Task.IsCompleted)
                {
                    inside++;
                    return;
                }
                wait = opened.Task;
            }
            wait.Wait(cancellationToken);
        }
    }

    public void Leave()
    {
        lock (guard)
        {
            if (--inside == 0)
                emptied?.TrySetResult();
        }
    }
}
