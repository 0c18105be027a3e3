namespace Insurance.Gateway;

/// <summary>Whether events can be published, as of the last look, and a way to wait for a change.</summary>
internal sealed class BrokerState
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _reachable;

    /// <summary>The present state, and a task that completes with the next change.</summary>
    public (bool Reachable, Task Changed) Current
    {
        get
        {
            lock (_lock)
                return (_reachable, _changed.Task);
        }
    }

    /// <summary>True where this is a change.</summary>
    public bool Set(bool reachable)
    {
        lock (_lock)
        {
            if (_reachable == reachable)
                return false;
            _reachable = reachable;
            _changed.SetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return true;
        }
    }
}
