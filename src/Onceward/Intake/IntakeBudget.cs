namespace Onceward.Intake;

/// <summary>How many bytes of records wait in memory, against the bound of the worker.</summary>
internal sealed class IntakeBudget(long maxBytes)
{
    private long _bytes;

    public bool IsExhausted => Volatile.Read(ref _bytes) >= maxBytes;

    /// <summary>Well below the bound, so that intake does not stop and start with every record.</summary>
    public bool HasRoom => Volatile.Read(ref _bytes) < maxBytes / 2;

    public void Take(long bytes) => Interlocked.Add(ref _bytes, bytes);

    public void Release(long bytes) => Interlocked.Add(ref _bytes, -bytes);
}
