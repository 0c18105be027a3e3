namespace Onceward.Broker.Log;

/// <summary>A range of one segment's bytes that is copied once, into the response.</summary>
internal readonly record struct LogSlice(Storage.ISegmentBytes? Bytes, long Position, int Length)
{
    public static LogSlice Empty => default;

    /// <summary>Copies the bytes; fewer where the segment was deleted meanwhile, or cannot be read.</summary>
    public int CopyTo(Span<byte> destination)
    {
        try
        {
            return Bytes?.Read(Position, destination[..Length]) ?? 0;
        }
        catch (IOException)
        {
            return 0; // The next look at the log meets it again, and says so.
        }
    }
}
