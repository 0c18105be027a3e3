using Microsoft.Win32.SafeHandles;

namespace Onceward.Broker.Storage;

/// <summary>One file of a <see cref="FilePool"/>: opened when it is used.</summary>
internal sealed class PooledFile(FilePool pool, string path) : IDisposable
{
    private volatile SafeFileHandle? handle;
    private volatile bool used;
    private volatile bool gone;

    public string Path => path;

    /// <summary>Set by the pool, under its lock.</summary>
    public SafeFileHandle? Handle
    {
        get => handle;
        set => handle = value;
    }

    public bool TakeUsed()
    {
        var was = used;
        used = false;
        return was;
    }

    /// <summary>How many bytes were read; fewer only at the end of the file, 0 once it is disposed.</summary>
    public int Read(long position, Span<byte> destination)
    {
        var read = 0;
        while (read < destination.Length && !gone)
        {
            try
            {
                var more = RandomAccess.Read(Use(), destination[read..], position + read);
                if (more == 0)
                    break;
                read += more;
            }
            catch (ObjectDisposedException)
            {
                // Closed for another file between Use and Read: once more.
            }
            catch (FileNotFoundException) when (gone)
            {
                return 0;
            }
        }
        return gone ? 0 : read;
    }

    public void Write(long position, ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            try
            {
                RandomAccess.Write(Use(), bytes, position);
                return;
            }
            catch (ObjectDisposedException) when (!gone)
            {
                // Closed for another file: once more, at the same place.
            }
        }
    }

    public void SetLength(long length)
    {
        while (true)
        {
            try
            {
                RandomAccess.SetLength(Use(), length);
                return;
            }
            catch (ObjectDisposedException) when (!gone)
            {
                // Closed for another file: once more.
            }
        }
    }

    public void Flush()
    {
        while (!gone)
        {
            try
            {
                FlushFailedException.Flush(Use());
                return;
            }
            catch (ObjectDisposedException)
            {
                // Closed for another file: once more. Closing does not flush.
            }
            catch (FileNotFoundException) when (gone)
            {
                return;
            }
        }
    }

    public void Dispose()
    {
        gone = true;
        pool.Close(this);
    }

    private SafeFileHandle Use()
    {
        used = true;
        return handle ?? pool.Open(this);
    }
}
