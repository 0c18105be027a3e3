namespace Onceward.Broker.Storage;

/// <summary>A partition in memory: gone with the process.</summary>
internal sealed class MemoryStore(MemoryBudget budget, TimeProvider clock) : ILogStore
{
    public LogContents Load() => new();

    public LogSegment CreateSegment(long baseOffset) => new(baseOffset, new MemoryBytes(budget), clock.GetUtcNow().ToUnixTimeMilliseconds());

    public void Remove(LogSegment segment) => segment.Bytes.Dispose();

    public void Delete()
    {
    }
}
