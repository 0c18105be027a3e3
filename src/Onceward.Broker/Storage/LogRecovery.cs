using Onceward.Broker.Log;

namespace Onceward.Broker.Storage;

/// <summary>Where recovery cut a log, and why.</summary>
internal sealed record LogCut(long Offset, long DroppedBytes, string Reason);

/// <summary>Makes a log whole again after a crash.</summary>
/// <remarks>
/// <para>Segments before the one with the checkpoint's end were flushed and are taken as they are. From there on each batch is checked: length,
/// format, checksum, that its offset follows the last and that its epoch never goes back. The first that is not good ends the log; what comes
/// behind it, later segments too, is dropped. Indexes, producers and the index of aborted transactions are made anew from the batches.</para>
/// <para>A crash during recovery: the next one does the same again.</para>
/// </remarks>
/// <param name="folder">Where the log lies.</param>
/// <param name="segments">What is there, by base offset; at least one.</param>
/// <param name="leaderEpoch">The current one: no batch has a higher one.</param>
/// <param name="indexInterval">How dense the indexes become.</param>
/// <param name="now">Wall time.</param>
internal sealed class LogRecovery(PartitionFolder folder, List<LogSegment> segments, int leaderEpoch, int indexInterval, long now)
{
    private readonly LogContents log = new();
    private int lastEpoch = -1;

    /// <summary>Null: nothing was dropped.</summary>
    public LogCut? Cut { get; private set; }

    /// <summary>How many of the first segments were not looked at: their indexes are in files.</summary>
    public int Trusted { get; private set; }

    public LogContents Run(in LogCheckpoint checkpoint)
    {
        folder.ReadInto(log.Epochs);
        Trusted = TrustedSegments(checkpoint.EndOffset);
        var replayFrom = LoadSnapshot(segments[Trusted].BaseOffset) ?? segments[0].BaseOffset;
        for (var i = 0; i < Trusted; i++)
        {
            var end = segments[i + 1].BaseOffset;
            if (end > replayFrom)
                Replay(segments[i], replayFrom);
        }
        log.Segments = [.. segments[..Trusted]];
        log.StartOffset = segments[0].BaseOffset;
        log.EndOffset = segments[Trusted].BaseOffset;
        log.Epochs.CutEnd(log.EndOffset);
        for (var i = Trusted; i < segments.Count && Cut is null; i++)
            Scan(i);
        return log;
    }

    /// <summary>The snapshot to begin with: the newest that is whole, and of an offset where the log is known to be good.</summary>
    private long? LoadSnapshot(long notAfter)
    {
        foreach (var offset in Enumerable.Reverse(folder.Offsets(PartitionFolder.SnapshotSuffix)).Where(offset => offset <= notAfter))
        {
            if (SmallFile.Read(folder.File(offset, PartitionFolder.SnapshotSuffix)) is { } bytes && ProducerSnapshotFile.TryRead(bytes, log.Producers, now))
                return offset;
            log.Producers.Clear();
        }
        return null;
    }

    private int TrustedSegments(long flushedEnd)
    {
        var trusted = 0;
        while (trusted + 1 < segments.Count && segments[trusted + 1].BaseOffset <= flushedEnd)
        {
            if (!FolderStore.TryReadAborted(folder, segments[trusted]))
                break;
            trusted++;
        }
        return trusted;
    }

    /// <summary>Producers only: the segment itself is known to be good.</summary>
    private void Replay(LogSegment segment, long from)
    {
        using var reader = new SegmentReader(segment.Bytes);
        while (reader.MoveNext())
        {
            if (reader.Header.BaseOffset < from || !reader.Header.HasProducer)
                continue;
            if (!reader.Header.IsControl)
                log.Producers.Appended(reader.Header, now);
            else if (Marker(reader) is { } marker)
                log.Producers.Ended(reader.Header, marker.CoordinatorEpoch, now);
        }
    }

    private void Scan(int index)
    {
        var segment = segments[index];
        if (segment.BaseOffset != log.EndOffset)
        {
            Drop(index, 0, $"segment {segment.BaseOffset} does not follow offset {log.EndOffset}");
            return;
        }
        log.Segments = [.. log.Segments, segment];
        using var reader = new SegmentReader(segment.Bytes);
        while (reader.MoveNext())
        {
            if (Contradiction(reader.Header) is { } contradiction)
            {
                CutAt(index, reader.Position, contradiction);
                return;
            }
            lastEpoch = reader.Header.LeaderEpoch;
            log.Epochs.Assign(lastEpoch, reader.Header.BaseOffset);
            log.TakeIn(reader.Header, reader.Position, reader.Header.IsControl ? Marker(reader) : null, indexInterval, now);
        }
        if (reader.Problem is { } problem)
            CutAt(index, reader.Position, problem);
    }

    private string? Contradiction(in BatchHeader header)
    {
        // Neither is covered by the batch's checksum.
        if (header.BaseOffset != log.EndOffset)
            return $"a batch says offset {header.BaseOffset}";
        return header.LeaderEpoch < lastEpoch || header.LeaderEpoch > leaderEpoch ? $"a batch says leader epoch {header.LeaderEpoch}" : null;
    }

    private void CutAt(int index, long position, string reason)
    {
        var dropped = segments[index].Size - position;
        segments[index].Bytes.Truncate(position);
        Drop(index + 1, dropped, reason);
    }

    private void Drop(int from, long dropped, string reason)
    {
        foreach (var segment in segments[from..])
        {
            dropped += segment.Size;
            segment.Bytes.Dispose();
            folder.DeleteSegmentFiles(segment.BaseOffset);
        }
        segments.RemoveRange(from, segments.Count - from);
        Cut = new LogCut(log.EndOffset, dropped, reason);
    }

    private static TransactionMarker? Marker(SegmentReader reader) => TransactionMarker.Read(new StoredBatch(reader.Header, reader.Batch));
}
