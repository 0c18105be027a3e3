using Onceward.Broker.Log;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Storage;

/// <summary>A partition on disk.</summary>
/// <remarks>
/// The indexes of the last segment, and the producers, are in memory and written when the segment is sealed or the broker stops; after a crash
/// they are made anew from the batches. So an append writes one file.
/// </remarks>
internal sealed class FolderStore(
    PartitionFolder folder, FilePool files, Guid topicId, LogEnvironment environment, Func<TopicSettings> settings) : ILogStore
{
    private readonly Lock checkpointing = new(); // Flushes note their end without the log's lock.
    private LogCheckpoint checkpoint = LogCheckpoint.None; // As it is on disk.

    private long Now => environment.Clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>False: the file is there and cannot be right.</summary>
    public static bool TryReadAborted(PartitionFolder folder, LogSegment segment)
    {
        if (SmallFile.Read(folder.File(segment.BaseOffset, PartitionFolder.AbortedSuffix)) is not { } bytes)
            return true;
        if (bytes.Length == 0 || AbortedEntry.TryRead(bytes) is not { } entries)
            return false;
        foreach (var entry in entries)
            segment.Abort(entry);
        return true;
    }

    public LogContents Load()
    {
        if (!folder.Exists)
            return new LogContents();
        if (folder.ReadTopicId() is not { } owner)
            folder.Create(); // A crash came between the folder and this file.
        else if (owner != topicId)
        {
            environment.Logger.SetAside(folder.Path, owner, folder.SetAside(owner));
            return new LogContents();
        }
        folder.SweepTemporary();
        lock (checkpointing)
            checkpoint = folder.ReadCheckpoint() ?? LogCheckpoint.None;
        var segments = folder.Offsets(PartitionFolder.LogSuffix).ConvertAll(Open);
        if (segments.Count == 0)
            return new LogContents { StartOffset = checkpoint.EndOffset, EndOffset = checkpoint.EndOffset };
        var log = TryResume(segments) ?? Recover();
        log.FlushedOffset = checkpoint.EndOffset;
        return log.StartOffset <= log.EndOffset ? log : BeginAgain(log);
    }

    public LogSegment CreateSegment(LogContents log)
    {
        if (!folder.Exists)
            folder.Create();
        var path = folder.File(log.EndOffset, PartitionFolder.LogSuffix);
        try
        {
            File.Create(path).Dispose();
            if (log.Active is { } active)
                Seal(active, log);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            File.Delete(path);
            throw new IOException(e.Message, e);
        }
        return new LogSegment(log.EndOffset, new FileBytes(new PooledFile(files, path), 0), Now);
    }

    public void Remove(LogSegment segment)
    {
        segment.Bytes.Dispose();
        folder.DeleteSegmentFiles(segment.BaseOffset);
    }

    public void Save(LeaderEpochs epochs) => folder.Write(epochs);

    public void Flush(LogSegment segment)
    {
        segment.Bytes.Flush();
        if (!segment.IsSealed)
            return;
        foreach (var suffix in (ReadOnlySpan<string>)[PartitionFolder.IndexSuffix, PartitionFolder.TimeIndexSuffix, PartitionFolder.AbortedSuffix])
            SmallFile.Flush(folder.File(segment.BaseOffset, suffix));
    }

    public void SaveFlushed(long endOffset, long activeBase, long activeSize)
    {
        lock (checkpointing)
            Save(checkpoint with { EndOffset = endOffset, ActiveBase = activeBase, ActiveSize = activeSize });
    }

    public void SaveStart(long startOffset)
    {
        lock (checkpointing)
            Save(checkpoint with { StartOffset = startOffset });
    }

    public void Close(LogContents log)
    {
        if (log.Active is not { } active)
            return;
        var end = new LogCheckpoint(log.StartOffset, log.EndOffset, active.BaseOffset, active.Size);
        if (end != checkpoint || !File.Exists(folder.File(log.EndOffset, PartitionFolder.SnapshotSuffix)))
        {
            WriteIndexes(active, durable: true);
            var kept = log.Segments.Select(segment => segment.BaseOffset).Append(log.EndOffset).ToHashSet();
            foreach (var old in folder.Offsets(PartitionFolder.SnapshotSuffix).Where(offset => !kept.Contains(offset)))
                File.Delete(folder.File(old, PartitionFolder.SnapshotSuffix));
            WriteSnapshot(log);
            lock (checkpointing)
                Save(end);
        }
        foreach (var segment in log.Segments)
            segment.Bytes.Dispose();
    }

    public void Delete()
    {
        // Another incarnation of the topic may have come and written before this one is swept.
        if (folder.Exists && (folder.ReadTopicId() ?? topicId) == topicId)
            folder.Delete();
    }

    /// <summary>What was closed in order, and not written to since: no batch is looked at. Null: it must be recovered.</summary>
    private LogContents? TryResume(List<LogSegment> segments)
    {
        var active = segments[^1];
        if (active.BaseOffset != checkpoint.ActiveBase || active.Size != checkpoint.ActiveSize)
            return null;
        var log = new LogContents { Segments = [.. segments], StartOffset = Math.Max(checkpoint.StartOffset, segments[0].BaseOffset), EndOffset = checkpoint.EndOffset };
        if (SmallFile.Read(folder.File(log.EndOffset, PartitionFolder.SnapshotSuffix)) is not { } snapshot
            || !ProducerSnapshotFile.TryRead(snapshot, log.Producers, Now)
            || !segments.TrueForAll(segment => TryReadAborted(folder, segment))
            || TryReadIndex(active) is not { } index)
        {
            return null;
        }
        active.Resume(index);
        Span<byte> head = stackalloc byte[BatchHeader.Size];
        if (active.Bytes.Read(0, head) == head.Length)
            active.FirstTimestamp = BatchHeader.Read(head).MaxTimestamp;
        foreach (var segment in segments[..^1])
            segment.Restore(LoadIndex);
        folder.ReadInto(log.Epochs);
        log.Epochs.CutEnd(log.EndOffset);
        return log;
    }

    private LogContents Recover()
    {
        var segments = folder.Offsets(PartitionFolder.LogSuffix).ConvertAll(Open); // Afresh: resuming may have begun to fill them.
        var recovery = new LogRecovery(folder, segments, environment.LeaderEpoch, settings().IndexIntervalBytes, Now);
        var log = recovery.Run(checkpoint);
        for (var i = 0; i < log.Segments.Length - 1; i++)
        {
            if (i < recovery.Trusted)
            {
                log.Segments[i].Restore(LoadIndex);
                continue;
            }
            WriteIndexes(log.Segments[i]);
            log.Segments[i].Seal(LoadIndex);
        }
        foreach (var ahead in folder.Offsets(PartitionFolder.SnapshotSuffix).Where(offset => offset > log.EndOffset))
            File.Delete(folder.File(ahead, PartitionFolder.SnapshotSuffix));
        log.StartOffset = Math.Max(log.StartOffset, checkpoint.StartOffset);
        if (recovery.Cut is { } cut)
            environment.Logger.Cut(folder.Path, cut.Offset, cut.DroppedBytes, cut.Reason);
        return log;
    }

    /// <summary>All records behind the start were lost: the log goes on at its start, for offsets never go back.</summary>
    private LogContents BeginAgain(LogContents lost)
    {
        var log = new LogContents { StartOffset = lost.StartOffset, EndOffset = lost.StartOffset };
        log.Segments = [CreateSegment(log)];
        foreach (var segment in lost.Segments)
            Remove(segment);
        return log;
    }

    private LogSegment Open(long baseOffset)
    {
        var file = new FileInfo(folder.File(baseOffset, PartitionFolder.LogSuffix));
        var written = new DateTimeOffset(file.LastWriteTimeUtc).ToUnixTimeMilliseconds();
        return new LogSegment(baseOffset, new FileBytes(new PooledFile(files, file.FullName), file.Length), written);
    }

    private void Seal(LogSegment segment, LogContents log)
    {
        WriteIndexes(segment);
        WriteSnapshot(log);
        segment.Seal(LoadIndex);
    }

    /// <summary>What is sealed is flushed with its segment. A missing index of aborted transactions would show what was aborted.</summary>
    private void WriteIndexes(LogSegment segment, bool durable = false)
    {
        segment.IndexTime();
        SmallFile.Write(folder.File(segment.BaseOffset, PartitionFolder.IndexSuffix), segment.Indexes.OffsetBytes(), durable: false);
        SmallFile.Write(folder.File(segment.BaseOffset, PartitionFolder.TimeIndexSuffix), segment.Indexes.TimeBytes(), durable: false);
        if (!segment.Aborted.IsEmpty)
            SmallFile.Write(folder.File(segment.BaseOffset, PartitionFolder.AbortedSuffix), AbortedEntry.Write(segment.Aborted), durable);
    }

    private void WriteSnapshot(LogContents log) =>
        SmallFile.Write(folder.File(log.EndOffset, PartitionFolder.SnapshotSuffix), ProducerSnapshotFile.Write(log.Producers), durable: false);

    private SegmentIndex? TryReadIndex(LogSegment segment) =>
        SmallFile.Read(folder.File(segment.BaseOffset, PartitionFolder.IndexSuffix)) is { } offsets
        && SmallFile.Read(folder.File(segment.BaseOffset, PartitionFolder.TimeIndexSuffix)) is { } times
        && (times.Length > 0 || segment.Size == 0)
            ? SegmentIndex.TryRead(offsets, times, segment.Size)
            : null;

    private SegmentIndex LoadIndex(LogSegment segment)
    {
        if (TryReadIndex(segment) is { } index)
            return index;
        var scratch = new LogSegment(segment.BaseOffset, segment.Bytes, segment.CreatedAt);
        Span<byte> window = stackalloc byte[BatchScanner.WindowSize];
        var scanner = new BatchScanner(segment.Bytes, 0, segment.Size, window);
        while (scanner.MoveNext())
            scratch.Index(scanner.Current, scanner.Position, settings().IndexIntervalBytes);
        scratch.IndexTime();
        return scratch.Indexes;
    }

    private void Save(in LogCheckpoint changed)
    {
        if (changed == checkpoint)
            return;
        folder.Write(changed);
        checkpoint = changed;
    }
}
