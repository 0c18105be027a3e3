using System.Globalization;
using System.Text;
using Onceward.Broker.Log;

namespace Onceward.Broker.Storage;

/// <summary>The folder of one partition, with Apache Kafka's file names and formats, so that its tools can read what is there.</summary>
/// <remarks>It appears with the first append: an empty partition has none.</remarks>
internal sealed class PartitionFolder(string root, string topic, int partition, Guid topicId)
{
    public const string DeletedSuffix = "-delete"; // Being deleted when the broker died; swept by the next start.
    public const string StraySuffix = "-stray";
    public const string LogSuffix = ".log";
    public const string IndexSuffix = ".index";
    public const string TimeIndexSuffix = ".timeindex";
    public const string AbortedSuffix = ".txnindex";
    public const string SnapshotSuffix = ".snapshot";
    public const string EpochsName = "leader-epoch-checkpoint";

    private const string MetadataName = "partition.metadata";
    private const int NameDigits = 20;

    public string Path { get; } = System.IO.Path.Combine(root, $"{topic}-{partition}");

    public bool Exists => Directory.Exists(Path);

    public string File(long offset, string suffix) => System.IO.Path.Combine(Path, offset.ToString("D20", CultureInfo.InvariantCulture) + suffix);

    public void Create()
    {
        Directory.CreateDirectory(Path);
        var id = Convert.ToBase64String(topicId.ToByteArray(bigEndian: true)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        SmallFile.Write(InFolder(MetadataName), Encoding.ASCII.GetBytes($"version: 0\ntopic_id: {id}"), durable: false);
    }

    /// <summary>Whose records are there; null: it does not say.</summary>
    public Guid? ReadTopicId()
    {
        if (SmallFile.Read(InFolder(MetadataName)) is not { } bytes)
            return null;
        var line = Encoding.ASCII.GetString(bytes).Split('\n').FirstOrDefault(line => line.StartsWith("topic_id: ", StringComparison.Ordinal));
        var text = line?["topic_id: ".Length..].Trim().Replace('-', '+').Replace('_', '/');
        var id = new byte[18];
        return text is { Length: 22 } && Convert.TryFromBase64String(text + "==", id, out var length) && length == 16
            ? new Guid(id.AsSpan(0, length), bigEndian: true)
            : null;
    }

    public LogCheckpoint? ReadCheckpoint() => SmallFile.Read(InFolder(LogCheckpoint.FileName)) is { } bytes ? LogCheckpoint.TryRead(bytes) : null;

    public void Write(in LogCheckpoint checkpoint) => SmallFile.Write(InFolder(LogCheckpoint.FileName), checkpoint.Write(), durable: true);

    public void Write(LeaderEpochs epochs)
    {
        var text = new StringBuilder($"0\n{epochs.Starts.Count}\n");
        foreach (var (epoch, start) in epochs.Starts)
            text.Append(CultureInfo.InvariantCulture, $"{epoch} {start}\n");
        SmallFile.Write(InFolder(EpochsName), Encoding.ASCII.GetBytes(text.ToString()), durable: false);
    }

    /// <summary>What cannot be read is left out: recovery learns it from the batches.</summary>
    public void ReadInto(LeaderEpochs epochs) => ReadInto(epochs, InFolder(EpochsName));

    public static void ReadInto(LeaderEpochs epochs, string path)
    {
        if (SmallFile.Read(path) is not { } bytes)
            return;
        foreach (var line in Encoding.ASCII.GetString(bytes).Split('\n').Skip(2))
        {
            if (line.Split(' ') is [var epoch, var start] && int.TryParse(epoch, out var number) && long.TryParse(start, out var offset) && offset >= 0)
                epochs.Assign(number, offset);
        }
    }

    /// <summary>Base offsets of the segments, or offsets of the snapshots, in order.</summary>
    public List<long> Offsets(string suffix)
    {
        var offsets = new List<long>();
        foreach (var path in Directory.EnumerateFiles(Path, "*" + suffix))
        {
            var name = System.IO.Path.GetFileNameWithoutExtension(path);
            if (name.Length == NameDigits && long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
                offsets.Add(offset);
        }
        offsets.Sort();
        return offsets;
    }

    public void DeleteSegmentFiles(long baseOffset)
    {
        foreach (var suffix in (ReadOnlySpan<string>)[LogSuffix, IndexSuffix, TimeIndexSuffix, AbortedSuffix, SnapshotSuffix])
            System.IO.File.Delete(File(baseOffset, suffix));
    }

    public void SweepTemporary()
    {
        foreach (var path in Directory.EnumerateFiles(Path, "*" + SmallFile.TemporarySuffix))
            System.IO.File.Delete(path);
    }

    /// <summary>Out of the way at once, then file by file: a crash in the middle leaves nothing that looks like a partition.</summary>
    public void Delete()
    {
        if (Exists)
            Directory.Delete(MoveAside(topicId, DeletedSuffix), recursive: true);
    }

    /// <summary>Keeps what another incarnation of the topic left, under another name. Says which.</summary>
    public string SetAside(Guid otherId) => MoveAside(otherId, StraySuffix);

    private string MoveAside(Guid id, string suffix)
    {
        var to = System.IO.Path.Combine(root, $"{id:N}-{partition}{suffix}"); // Not the topic's name, which may be as long as a name can be.
        if (Directory.Exists(to))
            Directory.Delete(to, recursive: true);
        Directory.Move(Path, to);
        return to;
    }

    private string InFolder(string name) => System.IO.Path.Combine(Path, name);
}
