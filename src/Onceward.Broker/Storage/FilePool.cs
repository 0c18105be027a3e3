using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Onceward.Broker.Storage;

/// <summary>Keeps a bounded number of files open, however many there are; those not used for longest are closed first.</summary>
/// <remarks>
/// A file that is closed while somebody reads it stays open until that read is done (the handle counts its users); the next use opens it again.
/// </remarks>
internal sealed class FilePool(int limit) : IDisposable
{
    /// <summary>Where the system allows it. Leaves most of a common limit of 1,024 to connections.</summary>
    public const int DefaultLimit = 400;

    private const int TooManyOpenFiles = 24; // EMFILE

    private readonly Lock guard = new();
    private readonly List<PooledFile> open = [];
    private int hand;

    public int OpenCount
    {
        get
        {
            lock (guard)
                return open.Count;
        }
    }

    public SafeFileHandle Open(PooledFile file)
    {
        lock (guard)
        {
            if (file.Handle is { IsClosed: false } already)
                return already;
            if (open.Count >= limit)
                CloseOne();
            var handle = OpenOrMakeRoom(file.Path);
            file.Handle = handle;
            open.Add(file);
            return handle;
        }
    }

    public void Close(PooledFile file)
    {
        lock (guard)
        {
            file.Handle?.Dispose();
            file.Handle = null;
            open.Remove(file);
        }
    }

    public void Dispose()
    {
        lock (guard)
        {
            foreach (var file in open)
                file.Handle?.Dispose();
            open.Clear();
        }
    }

    private SafeFileHandle OpenOrMakeRoom(string path)
    {
        try
        {
            return Open(path);
        }
        catch (IOException e) when (e.HResult == TooManyOpenFiles && open.Count > 0)
        {
            for (var left = (open.Count + 1) / 2; left > 0; left--)
                CloseOne();
        }
        try
        {
            return Open(path);
        }
        catch (IOException e) when (e.HResult == TooManyOpenFiles)
        {
            throw new IOException($"this process has no file handle left to open {path}: raise the limit (ulimit -n) or use fewer connections", e);
        }
    }

    private static SafeFileHandle Open(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    /// <summary>A clock's hand goes round: who was used since it last came by is spared once.</summary>
    private void CloseOne()
    {
        for (var steps = 2 * open.Count; steps > 0; steps--)
        {
            hand = hand >= open.Count ? 0 : hand;
            var candidate = open[hand];
            if (!candidate.TakeUsed())
            {
                candidate.Handle?.Dispose();
                candidate.Handle = null;
                open[hand] = open[^1];
                open.RemoveAt(open.Count - 1);
                return;
            }
            hand++;
        }
        throw new UnreachableException("A hand that went round twice has found all marks gone.");
    }
}
