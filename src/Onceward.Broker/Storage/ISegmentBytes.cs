namespace Onceward.Broker.Storage;

/// <summary>The bytes of one segment: a file, or memory. Appended at the end by one writer, read anywhere by anybody, cut at the end.</summary>
/// <remarks>Readers see what was appended before they learnt the position; after disposal they get 0 bytes.</remarks>
internal interface ISegmentBytes : IDisposable
{
    long Length { get; }

    /// <summary>All of it or nothing.</summary>
    /// <exception cref="IOException">No room, or the disk failed.</exception>
    void Append(ReadOnlySpan<byte> bytes);

    /// <summary>How many bytes were read; fewer at the end, 0 where the segment is gone.</summary>
    int Read(long position, Span<byte> destination);

    void Truncate(long length);

    void Flush();
}
