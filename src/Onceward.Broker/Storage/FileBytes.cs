namespace Onceward.Broker.Storage;

/// <summary>A segment in a file. What was appended is in the system's cache, and on disk after <see cref="Flush"/>.</summary>
/// <remarks>Crash of the process: nothing is lost. Crash of the machine: a tail that was not flushed may be gone or garbage; recovery cuts it.</remarks>
internal sealed class FileBytes(PooledFile file, long length) : ISegmentBytes
{
    private long length = length;

    public long Length => Volatile.Read(ref length);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        try
        {
            file.Write(length, bytes);
        }
        catch (IOException)
        {
            CutQuietly();
            throw;
        }
        Volatile.Write(ref length, length + bytes.Length);
    }

    public int Read(long position, Span<byte> destination)
    {
        var left = Length - position;
        return left <= 0 ? 0 : file.Read(position, destination[..(int)Math.Min(destination.Length, left)]);
    }

    public void Truncate(long length)
    {
        file.SetLength(length);
        Volatile.Write(ref this.length, length);
    }

    public void Flush() => file.Flush();

    public void Dispose() => file.Dispose();

    /// <summary>A part of the batch may have been written. If it cannot be cut off, the next append overwrites it, or recovery cuts it.</summary>
    private void CutQuietly()
    {
        try
        {
            file.SetLength(length);
        }
        catch (IOException)
        {
            // The first error says what is wrong with the disk.
        }
    }
}
