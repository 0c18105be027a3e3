namespace Onceward.Broker.Log;

/// <summary>A range of one segment's bytes that is copied once, into the response.</summary>
internal readonly record struct LogSlice(Storage.ISegmentBytes? Bytes, long Position, int Length)
{
    public static LogSlice Empty => default;

    /// <summary>Copies the bytes; fewer where the segment was deleted meanwhile.</summary>
    public int CopyTo(Span<byte> destination) => Bytes?.Read(Position, destination[..Length]) ?? 0;
}
