namespace Onceward.Broker.Storage;

/// <summary>A segment in memory: pieces that start small, for partitions that hold little, and double to 1 MiB.</summary>
/// <remarks>Pieces are left to the garbage collector, not pooled: a reader may still copy from a segment that was deleted.</remarks>
internal sealed class MemoryBytes(MemoryBudget budget) : ISegmentBytes
{
    private const int FirstPiece = 1024;
    private const int Doublings = 10;
    private const int LargestPiece = FirstPiece << Doublings;
    private const long Doubled = FirstPiece * ((1L << Doublings) - 1); // Where pieces of the largest size begin.

    private byte[][] pieces = [];
    private long capacity;
    private long length;
    private volatile bool gone;

    public long Length => Volatile.Read(ref length);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (length + bytes.Length > capacity)
            Grow();
        var end = length;
        while (!bytes.IsEmpty)
        {
            var room = At(pieces, end);
            var part = bytes[..Math.Min(bytes.Length, room.Length)];
            part.CopyTo(room);
            bytes = bytes[part.Length..];
            end += part.Length;
        }
        Volatile.Write(ref length, end);
    }

    public int Read(long position, Span<byte> destination)
    {
        if (gone)
            return 0;
        var left = (int)Math.Min(destination.Length, Length - position);
        var from = Volatile.Read(ref pieces);
        var read = 0;
        while (read < left)
        {
            var source = At(from, position + read);
            source = source[..Math.Min(source.Length, left - read)];
            source.CopyTo(destination[read..]);
            read += source.Length;
        }
        return read;
    }

    public void Truncate(long length) => Volatile.Write(ref this.length, length);

    public void Flush()
    {
    }

    public void Dispose()
    {
        if (gone)
            return;
        gone = true;
        budget.Return(capacity);
    }

    private static Span<byte> At(byte[][] pieces, long position)
    {
        if (position >= Doubled)
            return pieces[Doublings + (int)((position - Doubled) / LargestPiece)].AsSpan((int)((position - Doubled) % LargestPiece));
        var index = (int)long.Log2(position / FirstPiece + 1);
        return pieces[index].AsSpan((int)(position - FirstPiece * ((1L << index) - 1)));
    }

    private void Grow()
    {
        var size = FirstPiece << Math.Min(pieces.Length, Doublings);
        budget.Take(size);
        Volatile.Write(ref pieces, [.. pieces, GC.AllocateUninitializedArray<byte>(size)]);
        capacity += size;
    }
}
