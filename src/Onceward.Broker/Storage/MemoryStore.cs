using Onceward.Broker.Log;

namespace Onceward.Broker.Storage;

/// <summary>A partition in memory: gone with the process.</summary>
internal sealed class MemoryStore(MemoryBudget budget, TimeProvider clock) : ILogStore
{
    public LogContents Load() => new();

    public LogSegment CreateSegment(LogContents log) => new(log.EndOffset, new MemoryBytes(budget), clock.GetUtcNow().ToUnixTimeMilliseconds());

    public void Remove(LogSegment segment) => segment.Bytes.Dispose();

    public void Save(LeaderEpochs epochs)
    {
    }

    public void Flush(LogSegment segment)
    {
    }

    public void SaveFlushed(long endOffset, long activeBase, long activeSize)
    {
    }

    public void SaveStart(long startOffset)
    {
    }

    public void Close(LogContents log)
    {
        foreach (var segment in log.Segments)
            segment.Bytes.Dispose();
    }

    public void Delete()
    {
    }
}
