using Onceward.Broker.Protocol;

namespace Onceward.Broker.Log;

/// <summary>The records of one partition: batches as producers sent them, in the order of their offsets.</summary>
/// <remarks>
/// <para>Guarantee: an append is visible to readers, and acknowledged, only when it is as durable as the flush policy says. Batches are never
/// parsed per record nor re-encoded: offset and leader epoch are patched into the header, which the checksum does not cover.</para>
/// <para>Concurrency: one lock a partition for appends and for what moves with them; readers take it only to look.</para>
/// <para>Crash: what was not flushed may be gone; recovery cuts the log at the first batch that is not whole, and the next start has a higher
/// leader epoch, so that clients notice.</para>
/// </remarks>
internal sealed partial class PartitionLog : IAsyncDisposable
{
    public string Topic => throw new NotImplementedException();

    public int Partition => throw new NotImplementedException();

    /// <summary>The first offset that can be read.</summary>
    public long StartOffset => throw new NotImplementedException();

    /// <summary>The offset after the last visible record.</summary>
    public long HighWatermark => throw new NotImplementedException();

    /// <summary>The first offset of the earliest open transaction; the high watermark without one.</summary>
    public long LastStableOffset => throw new NotImplementedException();

    public int LeaderEpoch => throw new NotImplementedException();

    public long SizeInBytes => throw new NotImplementedException();

    /// <summary>Who waits for records here. Signalled after appends, ends of transactions, moves of the start, and deletion.</summary>
    public LogWaiters Waiters { get; } = new();

    /// <summary>Appends one batch from a client, checked as Kafka checks it. Patches the given bytes.</summary>
    public ValueTask<AppendResult> AppendAsync(Memory<byte> batch, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Appends a batch that the broker itself made (offsets, transaction state): not checked for sequence or size.</summary>
    public ValueTask<AppendResult> AppendInternalAsync(Memory<byte> batch, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Appends the marker that ends a producer's transaction here. Without an open transaction the marker is written all the same.</summary>
    public ValueTask<AppendResult> AppendMarkerAsync(long producerId, short producerEpoch, bool commit, int coordinatorEpoch, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    /// <summary>What a reader at <paramref name="offset"/> gets: whole state of one moment, no bytes copied yet.</summary>
    /// <param name="offset">May lie within a batch; the batch that holds it comes first.</param>
    /// <param name="maxBytes">At most this much; a soft bound with <paramref name="atLeastOneBatch"/>.</param>
    /// <param name="readCommitted">Only up to the last stable offset, with the aborted transactions of that range.</param>
    /// <param name="atLeastOneBatch">The first batch comes whole even if it is larger than <paramref name="maxBytes"/>.</param>
    public LogRead Read(long offset, int maxBytes, bool readCommitted, bool atLeastOneBatch) => throw new NotImplementedException();

    /// <summary>The first record at or after a timestamp (milliseconds since 1970, UTC); null: none.</summary>
    public TimestampedOffset? FindTimestamp(long timestamp) => throw new NotImplementedException();

    /// <summary>The record with the highest timestamp; null: an empty log.</summary>
    public TimestampedOffset? FindMaxTimestamp() => throw new NotImplementedException();

    /// <summary>The largest known epoch not above <paramref name="epoch"/>, and the offset where it ended; (-1, -1): none.</summary>
    public (int Epoch, long EndOffset) EndOfEpoch(int epoch) => throw new NotImplementedException();

    /// <summary>The epoch of the record at an offset; -1: not known.</summary>
    public int EpochAt(long offset) => throw new NotImplementedException();

    /// <summary>Moves the start; -1: to the high watermark.</summary>
    /// <returns>The new start, or OFFSET_OUT_OF_RANGE.</returns>
    public (ErrorCode Error, long LowWatermark) DeleteRecords(long before) => throw new NotImplementedException();

    /// <summary>Producers with state here, for DescribeProducers.</summary>
    public IReadOnlyList<ProducerSnapshot> Producers() => throw new NotImplementedException();

    /// <summary>
    /// Lets a producer's transaction write here: transactional batches of others are refused with INVALID_TXN_STATE. Ended by the marker, under
    /// the same lock as appends, so that no batch can slip in behind its marker.
    /// </summary>
    public void Enlist(long producerId, short producerEpoch) => throw new NotImplementedException();

    public ValueTask FlushAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
