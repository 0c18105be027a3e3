namespace Onceward.Broker.Storage;

/// <summary>Files that are written whole: after a crash there is the old one or the new one.</summary>
internal static class SmallFile
{
    public const string TemporarySuffix = ".tmp"; // Left over by a crash; swept when the folder is opened.

    /// <param name="path">Replaced if it is there.</param>
    /// <param name="content">All of it.</param>
    /// <param name="durable">Flush before the new file takes the place of the old one. Else it must be possible to tell that it is not whole.</param>
    public static void Write(string path, ReadOnlySpan<byte> content, bool durable)
    {
        var temporary = path + TemporarySuffix;
        try
        {
            using (var file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                RandomAccess.Write(file, content, 0);
                if (durable)
                    RandomAccess.FlushToDisk(file);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    /// <summary>Forces a file to disk that was written before; nothing where there is none.</summary>
    public static void Flush(string path)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            FlushFailedException.Flush(file);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // It was not needed, or went with its partition.
        }
    }

    /// <summary>Null where there is none.</summary>
    public static byte[]? Read(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }
}
