using System.Buffers;
using Onceward.Broker.Log;

namespace Onceward.Broker.Storage;

/// <summary>Reads a segment batch by batch, whole, and believes nothing that it has not checked.</summary>
internal sealed class SegmentReader(ISegmentBytes bytes) : IDisposable
{
    private const int Piece = 1024 * 1024;

    private readonly long end = bytes.Length;
    private byte[] buffer = ArrayPool<byte>.Shared.Rent(Piece);
    private int start;
    private int filled;

    /// <summary>Where the current batch begins.</summary>
    public long Position { get; private set; }

    /// <summary>Where the next one would; everything before it is good.</summary>
    public long Next { get; private set; }

    public BatchHeader Header { get; private set; }

    /// <summary>Valid until the next move.</summary>
    public ReadOnlyMemory<byte> Batch => buffer.AsMemory(start, Header.SizeInBytes);

    /// <summary>Why <see cref="MoveNext"/> stopped before the end; null: it did not.</summary>
    public string? Problem { get; private set; }

    public bool MoveNext()
    {
        start += (int)(Next - Position); // Past the batch before.
        Position = Next;
        if (Position == end)
            return false;
        if (!Fill(BatchHeader.Size))
            return Stop("the head of a batch is cut off");
        var header = BatchHeader.Read(buffer.AsSpan(start));
        if (!header.IsPlausible)
            return Stop("what follows is no batch");
        if (!Fill(header.SizeInBytes))
            return Stop("a batch is cut off");
        if (BatchHeader.Checksum(buffer.AsSpan(start, header.SizeInBytes)) != header.Crc)
            return Stop("a batch has the wrong checksum");
        Header = header;
        Next = Position + header.SizeInBytes;
        return true;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }

    private bool Stop(string problem)
    {
        Problem = problem;
        return false;
    }

    private bool Fill(int wanted)
    {
        var ready = filled - start;
        if (ready >= wanted)
            return true;
        if (wanted > end - Position)
            return false;
        var larger = wanted > buffer.Length ? ArrayPool<byte>.Shared.Rent(wanted) : buffer;
        buffer.AsSpan(start, ready).CopyTo(larger);
        if (larger != buffer)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = larger;
        }
        start = 0;
        filled = ready + bytes.Read(Position + ready, buffer.AsSpan(ready));
        return filled >= wanted;
    }
}
