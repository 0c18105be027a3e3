using Onceward.Broker.Log;

namespace Onceward.Broker.Storage;

/// <summary>A range of a partition's log: its bytes and the indexes over them, sparse as Apache Kafka's.</summary>
/// <remarks>
/// Appended under the log's lock; looked up without it, by who learnt an end position under it. The indexes of a sealed segment are in files;
/// they are read when somebody looks there, and memory forgets them again when it is short.
/// </remarks>
internal sealed class LogSegment(long baseOffset, ISegmentBytes bytes, long createdAt)
{
    private readonly GrowingList<AbortedEntry> aborted = new();
    private SegmentIndex? growing = new();
    private WeakReference<SegmentIndex>? remembered;
    private Func<LogSegment, SegmentIndex>? load;
    private int sinceIndexed;
    private long maxTimestamp = -1;

    public long BaseOffset => baseOffset;

    public ISegmentBytes Bytes => bytes;

    public long Size => bytes.Length;

    /// <summary>Wall time; where no record has a timestamp, its age counts from here.</summary>
    public long CreatedAt => createdAt;

    /// <summary>Of the first batch; -1 where it has none.</summary>
    public long FirstTimestamp { get; set; } = -1;

    public long MaxTimestampOffset { get; private set; } = -1;

    public long MaxTimestamp
    {
        get
        {
            var known = Volatile.Read(ref maxTimestamp);
            if (known < 0 && IsSealed)
                Volatile.Write(ref maxTimestamp, known = Indexes.LastTime?.Timestamp ?? -1);
            return known;
        }
    }

    /// <summary>Nothing is appended any more.</summary>
    public bool IsSealed => Volatile.Read(ref growing) is null;

    /// <summary>By their markers' offsets.</summary>
    public ReadOnlySpan<AbortedEntry> Aborted => aborted.Items;

    public SegmentIndex Indexes
    {
        get
        {
            if (Volatile.Read(ref growing) is { } index || remembered!.TryGetTarget(out index))
                return index;
            index = load!(this);
            remembered.SetTarget(index);
            return index;
        }
    }

    /// <summary>Whether the batch still fits: relative offsets and positions are 32-bit.</summary>
    public bool HasRoomFor(in BatchHeader header, long segmentBytes) =>
        Size + header.SizeInBytes <= segmentBytes && header.LastOffset - baseOffset <= int.MaxValue;

    /// <summary>Takes in a batch whose bytes lie at <paramref name="position"/>.</summary>
    public void Index(in BatchHeader header, long position, int interval)
    {
        if (header.MaxTimestamp > maxTimestamp)
        {
            Volatile.Write(ref maxTimestamp, header.MaxTimestamp);
            MaxTimestampOffset = header.LastOffset;
        }
        if (position == 0)
            FirstTimestamp = header.MaxTimestamp;
        if (sinceIndexed > interval)
        {
            growing!.Add(new OffsetEntry((int)(header.LastOffset - baseOffset), (int)position));
            IndexTime();
            sinceIndexed = 0;
        }
        sinceIndexed += header.SizeInBytes;
    }

    /// <summary>Notes the latest record; done by itself now and then, and last before the index is written.</summary>
    public void IndexTime()
    {
        if (maxTimestamp >= 0)
            growing!.Add(new TimeEntry(maxTimestamp, (int)(MaxTimestampOffset - baseOffset)));
    }

    public void Abort(in AbortedEntry entry) => aborted.Add(entry);

    /// <summary>Nothing will be appended: the indexes are elsewhere from now on.</summary>
    public void Seal(Func<LogSegment, SegmentIndex> from) => Seal(from, growing);

    /// <summary>Was sealed in an earlier run, and has no index here: it is read when somebody looks there.</summary>
    public void Restore(Func<LogSegment, SegmentIndex> from) => Seal(from, null);

    /// <summary>Goes on with the indexes of an earlier run.</summary>
    public void Resume(SegmentIndex index)
    {
        growing = index;
        if (index.LastTime is not { } last)
            return;
        (maxTimestamp, MaxTimestampOffset) = (last.Timestamp, baseOffset + last.RelativeOffset);
    }

    private void Seal(Func<LogSegment, SegmentIndex> from, SegmentIndex? built)
    {
        load = from;
        remembered = new WeakReference<SegmentIndex>(built!);
        Volatile.Write(ref growing, null);
    }
}
