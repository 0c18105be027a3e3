namespace Insurance.Load.Driving;

/// <summary>Any number of signals wake the one who waits once.</summary>
internal sealed class WakeUp : IDisposable
{
    private readonly SemaphoreSlim _semaphore = new(0);
    private int _signalled;

    public void Signal()
    {
        if (Interlocked.Exchange(ref _signalled, 1) == 0)
            _semaphore.Release();
    }

    /// <summary>Returns at a signal, one given before included, or after the time.</summary>
    public async Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        if (await _semaphore.WaitAsync(atMost, cancellationToken))
            Volatile.Write(ref _signalled, 0);
    }

    public void Dispose() => _semaphore.Dispose();
}
