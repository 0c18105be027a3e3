using Onceward.Broker.Log;

namespace Onceward.Broker.Storage;

/// <summary>Goes from batch to batch of a segment by their heads alone.</summary>
/// <param name="bytes">The segment.</param>
/// <param name="position">Where a batch begins.</param>
/// <param name="end">Nothing is read from here on.</param>
/// <param name="window">Scratch space: small batches are read many at a time.</param>
internal ref struct BatchScanner(ISegmentBytes bytes, long position, long end, Span<byte> window)
{
    public const int WindowSize = 2048;

    private readonly Span<byte> window = window;
    private long windowStart;
    private int windowLength;

    /// <summary>Where the next batch begins; once <see cref="MoveNext"/> said no, where the whole ones end.</summary>
    public long Next { get; private set; } = position;

    public long Position { get; private set; } = position;

    public BatchHeader Current { get; private set; }

    /// <summary>False: the end, or what follows is no whole batch.</summary>
    public bool MoveNext()
    {
        if (Next + BatchHeader.Size > end || !Fill(Next))
            return false;
        var header = BatchHeader.Read(window[(int)(Next - windowStart)..]);
        if (!header.IsPlausible || Next + header.SizeInBytes > end)
            return false;
        Current = header;
        Position = Next;
        Next += header.SizeInBytes;
        return true;
    }

    private bool Fill(long position)
    {
        if (position >= windowStart && position + BatchHeader.Size <= windowStart + windowLength)
            return true;
        windowStart = position;
        windowLength = bytes.Read(position, window[..(int)Math.Min(window.Length, end - position)]);
        return windowLength >= BatchHeader.Size;
    }
}
