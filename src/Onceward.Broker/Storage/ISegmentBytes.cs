namespace Onceward.Broker.Storage;

/// <summary>The bytes of one segment: a file, or pooled memory. Appended at the end, read anywhere, cut at the end.</summary>
internal interface ISegmentBytes : IDisposable
{
    long Length { get; }

    void Append(ReadOnlySpan<byte> bytes);

    /// <summary>How many bytes were read; 0 where the segment is gone.</summary>
    int Read(long position, Span<byte> destination);

    void Truncate(long length);

    void Flush();
}
