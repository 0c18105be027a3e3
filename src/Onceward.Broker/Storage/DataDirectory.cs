using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Onceward.Broker.Storage;

/// <summary>A data directory, held by this broker alone, and the number of its starts.</summary>
internal sealed class DataDirectory : IDisposable
{
    private const string LockName = ".lock";
    private const string StartsName = "leader-epoch"; // The epoch of the current start.

    private readonly SafeFileHandle held;

    private DataDirectory(string path, SafeFileHandle held)
    {
        (Path, this.held) = (path, held);
        LeaderEpoch = NextEpoch();
        foreach (var left in Directory.EnumerateDirectories(path, "*" + PartitionFolder.DeletedSuffix))
            Directory.Delete(left, recursive: true);
    }

    public string Path { get; }

    /// <summary>0 at the first start, one more at each: clients notice by it that records may have been lost.</summary>
    public int LeaderEpoch { get; }

    /// <exception cref="IOException">It cannot be used; the message says why, in one line.</exception>
    public static DataDirectory Open(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        SafeFileHandle? handle = null;
        try
        {
            Directory.CreateDirectory(full);
            handle = Hold(full);
            return new DataDirectory(full, handle);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            handle?.Dispose();
            throw handle is null && e is IOException ? e : new IOException($"The data directory {full} cannot be used: {e.Message}", e);
        }
    }

    public void Dispose() => held.Dispose();

    private static SafeFileHandle Hold(string path)
    {
        var file = System.IO.Path.Combine(path, LockName);
        try
        {
            return File.OpenHandle(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (File.Exists(file))
        {
            throw new IOException($"The data directory {path} is in use by another broker: stop that one, or choose another directory.", e);
        }
    }

    private int NextEpoch()
    {
        var file = System.IO.Path.Combine(Path, StartsName);
        var last = SmallFile.Read(file) is { } bytes && int.TryParse(Encoding.ASCII.GetString(bytes), NumberStyles.None | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var epoch)
            ? epoch
            : LastEpochOfPartitions();
        SmallFile.Write(file, Encoding.ASCII.GetBytes($"{last + 1}\n"), durable: true);
        return last + 1;
    }

    /// <summary>For a directory whose own number is lost: an epoch below that of a batch would make recovery drop it.</summary>
    private int LastEpochOfPartitions()
    {
        var last = -1;
        foreach (var file in Directory.EnumerateFiles(Path, PartitionFolder.EpochsName, SearchOption.AllDirectories))
        {
            var epochs = new Log.LeaderEpochs();
            PartitionFolder.ReadInto(epochs, file);
            last = Math.Max(last, epochs.Starts is [.., var latest] ? latest.Epoch : -1);
        }
        return last;
    }
}
