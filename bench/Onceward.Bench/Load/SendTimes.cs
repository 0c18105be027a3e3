namespace Onceward.Bench.Load;

/// <summary>When each record of a partition was meant to be sent: entry <c>n</c> is of offset <c>n</c>.</summary>
/// <remarks>One thread adds, another reads what it has seen come out at the other end; chunks never move, so the reader needs no lock.</remarks>
internal sealed class SendTimes
{
    private const int ChunkSize = 64 * 1024;

    private readonly long[]?[] _chunks = new long[]?[4096];
    private long _count;

    public long Count => Volatile.Read(ref _count);

    public long this[long offset] => _chunks[offset / ChunkSize]![offset % ChunkSize];

    public void Add(long timestamp)
    {
        var at = _count;
        (_chunks[at / ChunkSize] ??= new long[ChunkSize])[at % ChunkSize] = timestamp;
        Volatile.Write(ref _count, at + 1);
    }
}
