namespace Onceward.Outbox;

/// <summary>Tells the relay slots of this process that a commit left rows in the outbox. Only a hint: slots also look by themselves.</summary>
internal sealed class OutboxSignal
{
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Notify() => Interlocked.Exchange(ref _next, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();

    /// <summary>Completes at the next notification after this call.</summary>
    public Task NextAsync() => Volatile.Read(ref _next).Task;
}
