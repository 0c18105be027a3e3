using Onceward.Broker.Log;

namespace Onceward.Broker.Storage;

/// <summary>Every few kilobytes: last offset of a batch, and where the batch begins.</summary>
internal readonly record struct OffsetEntry(int RelativeOffset, int Position);

/// <summary>The largest timestamp so far, and the last offset of the batch that brought it.</summary>
internal readonly record struct TimeEntry(long Timestamp, int RelativeOffset);

/// <summary>An aborted transaction: its first record, its marker, and the last stable offset after it.</summary>
internal readonly record struct AbortedEntry(long ProducerId, long FirstOffset, long LastOffset, long LastStableOffset);

/// <summary>A range of a partition's log: its bytes and the indexes over them, sparse as Apache Kafka's.</summary>
/// <remarks>Appended under the log's lock; looked up without it, by who learnt an end position under it.</remarks>
internal sealed class LogSegment(long baseOffset, ISegmentBytes bytes, long createdAt)
{
    private readonly GrowingList<OffsetEntry> offsets = new();
    private readonly GrowingList<TimeEntry> times = new();
    private readonly GrowingList<AbortedEntry> aborted = new();
    private int sinceIndexed;

    public long BaseOffset => baseOffset;

    public ISegmentBytes Bytes => bytes;

    public long Size => bytes.Length;

    /// <summary>Wall time; where no record has a timestamp, its age counts from here.</summary>
    public long CreatedAt => createdAt;

    /// <summary>Of the first batch; -1 where it has none.</summary>
    public long FirstTimestamp { get; private set; } = -1;

    public long MaxTimestamp { get; private set; } = -1;

    public long MaxTimestampOffset { get; private set; } = -1;

    public ReadOnlySpan<AbortedEntry> Aborted => aborted.Items;

    /// <summary>Whether the batch still fits: relative offsets and positions are 32-bit.</summary>
    public bool HasRoomFor(in BatchHeader header, long segmentBytes) =>
        Size + header.SizeInBytes <= segmentBytes && header.LastOffset - baseOffset <= int.MaxValue;

    /// <summary>Takes in a batch whose bytes lie at <paramref name="position"/>.</summary>
    public void Index(in BatchHeader header, long position, int interval)
    {
        if (header.MaxTimestamp > MaxTimestamp)
        {
            MaxTimestamp = header.MaxTimestamp;
            MaxTimestampOffset = header.LastOffset;
        }
        if (position == 0)
            FirstTimestamp = header.MaxTimestamp;
        if (sinceIndexed > interval)
        {
            offsets.Add(new OffsetEntry((int)(header.LastOffset - baseOffset), (int)position));
            AddTime();
            sinceIndexed = 0;
        }
        sinceIndexed += header.SizeInBytes;
    }

    public void Abort(in AbortedEntry entry) => aborted.Add(entry);

    /// <summary>Where to begin to look for an offset: a batch that is not after it.</summary>
    public long PositionBefore(long offset)
    {
        var relative = offset - baseOffset;
        var entries = offsets.Items;
        var after = FirstWhere(entries, relative, static (entry, bound) => entry.RelativeOffset > bound);
        return after == 0 ? 0 : entries[after - 1].Position;
    }

    /// <summary>The last batch that is known to begin at or before a position.</summary>
    public long BatchBefore(long position)
    {
        var entries = offsets.Items;
        var after = FirstWhere(entries, position, static (entry, bound) => entry.Position > bound);
        return after == 0 ? 0 : entries[after - 1].Position;
    }

    /// <summary>Where to begin to look for the first record at or after a timestamp: all batches before are older.</summary>
    public long PositionBeforeTime(long timestamp)
    {
        var entries = times.Items;
        var after = FirstWhere(entries, timestamp, static (entry, bound) => entry.Timestamp > bound);
        return after == 0 ? 0 : PositionBefore(baseOffset + entries[after - 1].RelativeOffset);
    }

    private static int FirstWhere<T>(ReadOnlySpan<T> entries, long bound, Func<T, long, bool> isAfter)
    {
        var (low, high) = (0, entries.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (isAfter(entries[middle], bound))
                high = middle;
            else
                low = middle + 1;
        }
        return low;
    }

    private void AddTime()
    {
        var entries = times.Items;
        if (MaxTimestamp >= 0 && (entries.IsEmpty || entries[^1].Timestamp < MaxTimestamp))
            times.Add(new TimeEntry(MaxTimestamp, (int)(MaxTimestampOffset - baseOffset)));
    }
}
