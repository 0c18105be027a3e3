using Onceward.Broker.Storage;

namespace Onceward.Broker.Log;

/// <summary>A place where a batch begins, and the offset it begins with.</summary>
internal sealed record LogPlace(long Offset, LogSegment Segment, long Position);

/// <summary>What the log was at one moment. Everything before the end stays as it is, so the rest needs no lock.</summary>
internal readonly record struct LogView(LogSegment[] Segments, long StartOffset, long EndOffset, long EndPosition, long EndMaxTimestamp)
{
    public static LogView Of(LogContents contents) => new(
        contents.Segments, contents.StartOffset, contents.EndOffset, contents.Active?.Size ?? 0, contents.Active?.MaxTimestamp ?? -1);

    public int SegmentOf(long offset)
    {
        var (low, high) = (0, Segments.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (Segments[middle].BaseOffset > offset)
                high = middle;
            else
                low = middle + 1;
        }
        return low - 1;
    }

    /// <summary>The offset after a segment, and the position where its bytes end.</summary>
    public (long Offset, long Position) EndOf(int segment) => segment == Segments.Length - 1
        ? (EndOffset, EndPosition)
        : (Segments[segment + 1].BaseOffset, Segments[segment].Size);

    public long MaxTimestampOf(int segment) => segment == Segments.Length - 1 ? EndMaxTimestamp : Segments[segment].MaxTimestamp;
}

/// <summary>Finds offsets and timestamps in a <see cref="LogView"/>: index first, then from head to head.</summary>
internal static class LogLookup
{
    /// <summary>The bytes a reader gets: whole batches of one segment, from the one that holds <paramref name="offset"/>.</summary>
    /// <param name="view">The log.</param>
    /// <param name="offset">Within the log, and below <paramref name="bound"/>.</param>
    /// <param name="bound">The first offset that may not be read. Always begins a batch, or ends the log.</param>
    /// <param name="maxBytes">Soft with <paramref name="atLeastOne"/>.</param>
    /// <param name="atLeastOne">The first batch comes whole.</param>
    /// <param name="hint">A place known from an earlier read, to spare the look-up.</param>
    /// <returns>The slice, and the place after it; null: the segment is gone.</returns>
    public static (LogSlice Slice, LogPlace Next)? Slice(in LogView view, long offset, long bound, int maxBytes, bool atLeastOne, LogPlace? hint)
    {
        var index = view.SegmentOf(offset);
        var segment = view.Segments[index];
        var end = view.EndOf(index);
        Span<byte> window = stackalloc byte[BatchScanner.WindowSize];
        var start = hint is not null && hint.Offset == offset && hint.Segment == segment
            ? hint
            : BatchOf(segment, offset, end.Position, window);
        if (start is null)
            return null;
        var limit = bound >= end.Offset ? new LogPlace(end.Offset, segment, end.Position) : BatchOf(segment, bound, end.Position, window);
        if (limit is null)
            return null;
        var stop = limit.Position - start.Position <= maxBytes ? limit : Cut(start, limit, maxBytes, atLeastOne, window);
        return stop is null ? null : (new LogSlice(segment.Bytes, start.Position, (int)(stop.Position - start.Position)), stop);
    }

    /// <summary>The aborted transactions that a reader of [<paramref name="from"/>, <paramref name="before"/>) must know.</summary>
    public static IReadOnlyList<AbortedTransaction> Aborted(in LogView view, long from, long before)
    {
        List<AbortedTransaction>? found = null;
        for (var i = view.SegmentOf(from); i < view.Segments.Length; i++)
        {
            foreach (var entry in view.Segments[i].Aborted)
            {
                if (entry.LastOffset < from)
                    continue;
                if (entry.FirstOffset < before)
                    (found ??= []).Add(new AbortedTransaction(entry.ProducerId, entry.FirstOffset));
                // Entries follow their markers: what began before the range's end has all ended by now.
                if (entry.LastStableOffset >= before)
                    return found ?? (IReadOnlyList<AbortedTransaction>)[];
            }
        }
        return found ?? (IReadOnlyList<AbortedTransaction>)[];
    }

    /// <summary>The first record at or after a timestamp, not before the log's start.</summary>
    public static TimestampedOffset? ByTime(in LogView view, long timestamp)
    {
        for (var i = Math.Max(0, view.SegmentOf(view.StartOffset)); i < view.Segments.Length; i++)
        {
            if (view.MaxTimestampOf(i) >= timestamp && ByTime(view.Segments[i], timestamp, view.StartOffset, view.EndOf(i).Position) is { } found)
                return found;
        }
        return null;
    }

    /// <summary>The first record that has the largest timestamp of all.</summary>
    public static TimestampedOffset? ByMaxTime(in LogView view)
    {
        var first = Math.Max(0, view.SegmentOf(view.StartOffset));
        var latest = -1L;
        for (var i = first; i < view.Segments.Length; i++)
        {
            // The first segment's maximum may belong to records that were deleted.
            var partly = i == first && view.StartOffset > view.Segments[i].BaseOffset;
            latest = Math.Max(latest, partly ? MaxTimeFrom(view.Segments[i], view.StartOffset, view.EndOf(i).Position) : view.MaxTimestampOf(i));
        }
        return latest < 0 ? null : ByTime(view, latest);
    }

    private static long MaxTimeFrom(LogSegment segment, long offset, long end)
    {
        Span<byte> window = stackalloc byte[BatchScanner.WindowSize];
        var scanner = new BatchScanner(segment.Bytes, PositionBefore(segment, offset), end, window);
        var latest = -1L;
        while (scanner.MoveNext())
        {
            if (scanner.Current.LastOffset >= offset)
                latest = Math.Max(latest, scanner.Current.MaxTimestamp);
        }
        return latest;
    }

    private static TimestampedOffset? ByTime(LogSegment segment, long timestamp, long startOffset, long end)
    {
        Span<byte> window = stackalloc byte[BatchScanner.WindowSize];
        var from = Math.Max(segment.Indexes.PositionBeforeTime(timestamp), PositionBefore(segment, startOffset));
        var scanner = new BatchScanner(segment.Bytes, from, end, window);
        while (scanner.MoveNext())
        {
            var header = scanner.Current;
            if (header.MaxTimestamp < timestamp || header.LastOffset < startOffset)
                continue;
            if (InBatch(segment, scanner.Position, header, timestamp, startOffset) is { } found)
                return found;
        }
        return null;
    }

    /// <summary>Exact where the batch can be decoded; else its first record, which is never too late.</summary>
    private static TimestampedOffset? InBatch(LogSegment segment, long position, in BatchHeader header, long timestamp, long startOffset)
    {
        if (header.IsLogAppendTime)
            return new TimestampedOffset(Math.Max(header.BaseOffset, startOffset), header.MaxTimestamp, header.LeaderEpoch);
        var bytes = new byte[header.SizeInBytes];
        if (segment.Bytes.Read(position, bytes) < bytes.Length || !RecordReader.TryRead(new StoredBatch(header, bytes), out var records))
            return new TimestampedOffset(Math.Max(header.BaseOffset, startOffset), header.BaseTimestamp, header.LeaderEpoch);
        foreach (var record in records)
        {
            if (record.Timestamp >= timestamp && record.Offset >= startOffset)
                return new TimestampedOffset(record.Offset, record.Timestamp, header.LeaderEpoch);
        }
        return null;
    }

    /// <summary>The batch that holds an offset; null: not found before the end.</summary>
    private static LogPlace? BatchOf(LogSegment segment, long offset, long end, Span<byte> window)
    {
        var scanner = new BatchScanner(segment.Bytes, PositionBefore(segment, offset), end, window);
        while (scanner.MoveNext())
        {
            if (scanner.Current.LastOffset >= offset)
                return new LogPlace(scanner.Current.BaseOffset, segment, scanner.Position);
        }
        return null;
    }

    private static long PositionBefore(LogSegment segment, long offset) => segment.Indexes.PositionBefore(offset - segment.BaseOffset);

    private static LogPlace? Cut(LogPlace start, LogPlace limit, int maxBytes, bool atLeastOne, Span<byte> window)
    {
        var segment = start.Segment;
        var last = start.Position + maxBytes;
        var scanner = new BatchScanner(segment.Bytes, Math.Max(start.Position, segment.Indexes.BatchBefore(last)), limit.Position, window);
        while (scanner.MoveNext())
        {
            if (scanner.Next > last)
            {
                return scanner.Position > start.Position || !atLeastOne
                    ? new LogPlace(scanner.Current.BaseOffset, segment, scanner.Position)
                    : new LogPlace(scanner.Current.NextOffset, segment, scanner.Next);
            }
        }
        return null;
    }
}
