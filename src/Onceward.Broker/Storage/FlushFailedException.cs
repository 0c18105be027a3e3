using Microsoft.Win32.SafeHandles;

namespace Onceward.Broker.Storage;

/// <summary>The system did not bring to disk what it had taken: nobody knows what is there, and a second try that succeeds would not mean that it is.</summary>
internal sealed class FlushFailedException(IOException cause) : IOException(cause.Message, cause)
{
    /// <exception cref="FlushFailedException">It failed. Everything else, a file that cannot be opened for one, may be tried again.</exception>
    public static void Flush(SafeFileHandle file)
    {
        try
        {
            RandomAccess.FlushToDisk(file);
        }
        catch (IOException e)
        {
            throw new FlushFailedException(e);
        }
    }
}
