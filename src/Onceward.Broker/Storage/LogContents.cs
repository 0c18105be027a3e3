using System.Buffers.Binary;
using Onceward.Broker.Log;

namespace Onceward.Broker.Storage;

/// <summary>What a control batch says.</summary>
internal readonly record struct TransactionMarker(bool Commit, int CoordinatorEpoch)
{
    /// <summary>Null: no end of a transaction, but some other control record.</summary>
    public static TransactionMarker? Read(in StoredBatch batch)
    {
        if (!RecordReader.TryRead(batch, out var records) || records is not [{ Key: { Length: >= 4 } key, Value: { Length: >= 6 } value }, ..])
            return null;
        var type = BinaryPrimitives.ReadInt16BigEndian(key.Span[2..]);
        return type is 0 or 1 ? new TransactionMarker(type == 1, BinaryPrimitives.ReadInt32BigEndian(value.Span[2..])) : null;
    }
}

/// <summary>What a partition's log holds: its segments, and what is known of its producers, transactions and epochs. Guarded by the log's lock.</summary>
/// <remarks>Appending and recovery take batches in by the same method, so that a restart ends where the running log was.</remarks>
internal sealed class LogContents
{
    private LogSegment[] segments = [];

    /// <summary>By base offset; replaced whole on change, so that readers may keep what they saw. Empty until the first append.</summary>
    public LogSegment[] Segments
    {
        get => Volatile.Read(ref segments);
        set => Volatile.Write(ref segments, value);
    }

    public LogSegment? Active => Segments is [.., var last] ? last : null;

    public LeaderEpochs Epochs { get; } = new();

    public ProducerStates Producers { get; } = new();

    public long StartOffset { get; set; }

    public long EndOffset { get; set; }

    /// <summary>First offset of the earliest open transaction; the end without one.</summary>
    public long StableOffset => Math.Max(StartOffset, Producers.FirstOpenOffset ?? EndOffset);

    /// <summary>What readers may see: behind the end where appends wait for a flush.</summary>
    public long VisibleEnd { get; private set; }

    /// <summary>What readers of committed records may see.</summary>
    public long VisibleStable { get; private set; }

    /// <summary>Everything before is on disk.</summary>
    public long FlushedOffset { get; set; }

    public long SizeInBytes
    {
        get
        {
            var size = 0L;
            foreach (var segment in Segments)
                size += segment.Size;
            return size;
        }
    }

    /// <summary>Shows what the log was at one moment; it never goes back.</summary>
    public void Publish(long end, long stable)
    {
        VisibleEnd = Math.Max(VisibleEnd, end);
        VisibleStable = Math.Max(VisibleStable, Math.Min(stable, VisibleEnd));
    }

    /// <summary>Takes in a batch whose bytes are in the last segment.</summary>
    public void TakeIn(in BatchHeader header, long position, in TransactionMarker? marker, int indexInterval, long now)
    {
        var segment = Active!;
        segment.Index(header, position, indexInterval);
        EndOffset = header.NextOffset;
        if (!header.HasProducer)
            return;
        if (!header.IsControl)
            Producers.Appended(header, now);
        else if (marker is { } end && Producers.Ended(header, end.CoordinatorEpoch, now) is { } start && !end.Commit)
            segment.Abort(new AbortedEntry(header.ProducerId, start, header.LastOffset, StableOffset));
    }
}
