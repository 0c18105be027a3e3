namespace Onceward.Broker.Storage;

/// <summary>What all partitions in memory may take together.</summary>
internal sealed class MemoryBudget(long limit)
{
    private long used;

    public long Used => Volatile.Read(ref used);

    /// <exception cref="IOException">There is no room; nothing was taken.</exception>
    public void Take(long bytes)
    {
        if (Interlocked.Add(ref used, bytes) <= limit)
            return;
        Interlocked.Add(ref used, -bytes);
        throw new IOException($"the broker keeps {Used} bytes of records in memory and MemoryLimit allows {limit}: delete records or topics, raise it, or set a DataDirectory");
    }

    public void Return(long bytes) => Interlocked.Add(ref used, -bytes);
}
