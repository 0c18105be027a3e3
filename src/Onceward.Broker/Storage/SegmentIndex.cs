using System.Buffers.Binary;
using Onceward.Broker.Log;

namespace Onceward.Broker.Storage;

/// <summary>Every few kilobytes: last offset of a batch, and where the batch begins.</summary>
internal readonly record struct OffsetEntry(int RelativeOffset, int Position);

/// <summary>The largest timestamp so far, and the last offset of the batch that brought it.</summary>
internal readonly record struct TimeEntry(long Timestamp, int RelativeOffset);

/// <summary>The sparse indexes of one segment. One writer, any number of readers without a lock.</summary>
internal sealed class SegmentIndex
{
    private const int OffsetEntrySize = 8;
    private const int TimeEntrySize = 12;

    private readonly GrowingList<OffsetEntry> offsets = new();
    private readonly GrowingList<TimeEntry> times = new();

    public TimeEntry? LastTime => times.Items is [.., var last] ? last : null;

    public void Add(in OffsetEntry entry) => offsets.Add(entry);

    /// <summary>Only later ones count.</summary>
    public void Add(in TimeEntry entry)
    {
        if (entry.Timestamp >= 0 && (LastTime is not { } last || entry.Timestamp > last.Timestamp))
            times.Add(entry);
    }

    /// <summary>Where to begin to look for an offset: a batch that is not after it.</summary>
    public long PositionBefore(long relativeOffset)
    {
        var entries = offsets.Items;
        var after = FirstWhere(entries, relativeOffset, static (entry, bound) => entry.RelativeOffset > bound);
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
        return after == 0 ? 0 : PositionBefore(entries[after - 1].RelativeOffset);
    }

    /// <summary>As Apache Kafka's .index file.</summary>
    public byte[] OffsetBytes()
    {
        var entries = offsets.Items;
        var bytes = new byte[entries.Length * OffsetEntrySize];
        for (var i = 0; i < entries.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(i * OffsetEntrySize), entries[i].RelativeOffset);
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan((i * OffsetEntrySize) + 4), entries[i].Position);
        }
        return bytes;
    }

    /// <summary>As Apache Kafka's .timeindex file.</summary>
    public byte[] TimeBytes()
    {
        var entries = times.Items;
        var bytes = new byte[entries.Length * TimeEntrySize];
        for (var i = 0; i < entries.Length; i++)
        {
            BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(i * TimeEntrySize), entries[i].Timestamp);
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan((i * TimeEntrySize) + 8), entries[i].RelativeOffset);
        }
        return bytes;
    }

    /// <summary>Null: the bytes cannot be those of an index over a segment of that size.</summary>
    public static SegmentIndex? TryRead(ReadOnlySpan<byte> offsetBytes, ReadOnlySpan<byte> timeBytes, long segmentSize)
    {
        if (offsetBytes.Length % OffsetEntrySize != 0 || timeBytes.Length % TimeEntrySize != 0)
            return null;
        var index = new SegmentIndex();
        var last = new OffsetEntry(-1, -1);
        for (; !offsetBytes.IsEmpty; offsetBytes = offsetBytes[OffsetEntrySize..])
        {
            var entry = new OffsetEntry(BinaryPrimitives.ReadInt32BigEndian(offsetBytes), BinaryPrimitives.ReadInt32BigEndian(offsetBytes[4..]));
            if (entry.RelativeOffset <= last.RelativeOffset || entry.Position <= last.Position || entry.Position >= segmentSize)
                return null;
            index.offsets.Add(last = entry);
        }
        var time = new TimeEntry(-1, -1);
        for (; !timeBytes.IsEmpty; timeBytes = timeBytes[TimeEntrySize..])
        {
            var entry = new TimeEntry(BinaryPrimitives.ReadInt64BigEndian(timeBytes), BinaryPrimitives.ReadInt32BigEndian(timeBytes[8..]));
            if (entry.Timestamp <= time.Timestamp || entry.RelativeOffset <= time.RelativeOffset)
                return null;
            index.times.Add(time = entry);
        }
        return index;
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
}
