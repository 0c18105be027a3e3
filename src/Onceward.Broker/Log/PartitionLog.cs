using Microsoft.Extensions.Logging;
using Onceward.Broker.Protocol;
using Onceward.Broker.Storage;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Log;

/// <summary>The records of one partition: batches as producers sent them, in the order of their offsets.</summary>
/// <remarks>
/// <para>Guarantee: an append is visible to readers, and acknowledged, only when it is as durable as the flush policy says. Batches are never
/// parsed per record nor re-encoded: offset and leader epoch are patched into the header, which the checksum does not cover.</para>
/// <para>Concurrency: one lock a partition for appends and for what moves with them; readers take it only to look.</para>
/// <para>Crash: what was not flushed may be gone; recovery cuts the log at the first batch that is not whole, and the next start has a higher
/// leader epoch, so that clients notice.</para>
/// </remarks>
internal sealed class PartitionLog : IAsyncDisposable
{
    private readonly Lock guard = new();
    private readonly ILogStore store;
    private readonly Func<TopicSettings> settings;
    private readonly TimeProvider clock;
    private readonly ILogger logger;
    private LogContents? contents; // Loaded at the first touch: a start must not open every partition.
    private LogPlace? hint;
    private bool deleted;

    public PartitionLog(string topic, int partition, int leaderEpoch, ILogStore store, Func<TopicSettings> settings, TimeProvider clock, ILogger logger)
    {
        (Topic, Partition, LeaderEpoch) = (topic, partition, leaderEpoch);
        (this.store, this.settings, this.clock, this.logger) = (store, settings, clock, logger);
    }

    private enum Origin
    {
        Client,
        Broker,
    }

    public string Topic { get; }

    public int Partition { get; }

    /// <summary>The number of this start of the broker: every partition's epoch.</summary>
    public int LeaderEpoch { get; }

    /// <summary>The first offset that can be read.</summary>
    public long StartOffset => Look(static log => log.StartOffset);

    /// <summary>The offset after the last visible record.</summary>
    public long HighWatermark => Look(static log => log.EndOffset);

    /// <summary>The first offset of the earliest open transaction; the high watermark without one.</summary>
    public long LastStableOffset => Look(static log => log.StableOffset);

    public long SizeInBytes => Look(static log => log.SizeInBytes);

    /// <summary>Who waits for records here. Signalled after appends, ends of transactions, moves of the start, and deletion.</summary>
    public LogWaiters Waiters { get; } = new();

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Appends one batch from a client, checked as Kafka checks it. Patches the given bytes.</summary>
    public ValueTask<AppendResult> AppendAsync(Memory<byte> batch, CancellationToken cancellationToken)
    {
        var problem = BatchCheck.Whole(batch.Span, out var header);
        var topic = settings();
        if (problem.IsNone)
            problem = BatchCheck.FromClient(header, topic, Now);
        if (!problem.IsNone)
            return new(Refused(problem));
        if (topic.LogAppendTime)
            header = header.Stamp(batch.Span, Now);
        return AppendAsync(batch, header, Origin.Client, marker: null);
    }

    /// <summary>Appends a batch that the broker itself made (offsets, transaction state): not checked for sequence or size.</summary>
    public ValueTask<AppendResult> AppendInternalAsync(Memory<byte> batch, CancellationToken cancellationToken) =>
        AppendAsync(batch, BatchHeader.Read(batch.Span), Origin.Broker, marker: null);

    /// <summary>Appends the marker that ends a producer's transaction here. Without an open transaction the marker is written all the same.</summary>
    public ValueTask<AppendResult> AppendMarkerAsync(long producerId, short producerEpoch, bool commit, int coordinatorEpoch, CancellationToken cancellationToken)
    {
        var batch = RecordBatchBuilder.Marker(producerId, producerEpoch, commit, coordinatorEpoch, Now);
        return AppendAsync(batch, BatchHeader.Read(batch.Span), Origin.Broker, new TransactionMarker(commit, coordinatorEpoch));
    }

    /// <summary>What a reader at <paramref name="offset"/> gets: whole state of one moment, no bytes copied yet.</summary>
    /// <param name="offset">May lie within a batch; the batch that holds it comes first.</param>
    /// <param name="maxBytes">At most this much; a soft bound with <paramref name="atLeastOneBatch"/>.</param>
    /// <param name="readCommitted">Only up to the last stable offset, with the aborted transactions of that range.</param>
    /// <param name="atLeastOneBatch">The first batch comes whole even if it is larger than <paramref name="maxBytes"/>.</param>
    public LogRead Read(long offset, int maxBytes, bool readCommitted, bool atLeastOneBatch)
    {
        LogView view;
        LogRead read;
        lock (guard)
        {
            if (TryOpen(out var log) is { IsNone: false } problem)
                return new LogRead(problem.Error, -1, -1, -1, [], LogSlice.Empty);
            view = LogView.Of(log);
            read = new LogRead(ErrorCode.None, log.EndOffset, log.StableOffset, log.StartOffset, [], LogSlice.Empty);
        }
        if (offset < read.StartOffset || offset > view.EndOffset)
            return read with { Error = ErrorCode.OffsetOutOfRange };
        var bound = readCommitted ? read.LastStableOffset : read.HighWatermark;
        if (offset >= bound)
            return read;
        if (LogLookup.Slice(view, offset, bound, maxBytes, atLeastOneBatch, Volatile.Read(ref hint)) is not var (slice, next))
            return read with { Error = StartOffset > offset ? ErrorCode.OffsetOutOfRange : ErrorCode.KafkaStorageError };
        Volatile.Write(ref hint, next);
        return read with { Records = slice, Aborted = readCommitted ? LogLookup.Aborted(view, offset, next.Offset) : [] };
    }

    /// <summary>The first record at or after a timestamp (milliseconds since 1970, UTC); null: none.</summary>
    public TimestampedOffset? FindTimestamp(long timestamp) => LogLookup.ByTime(Look(LogView.Of), timestamp);

    /// <summary>The record with the highest timestamp; null: an empty log.</summary>
    public TimestampedOffset? FindMaxTimestamp() => LogLookup.ByMaxTime(Look(LogView.Of));

    /// <summary>The largest known epoch not above <paramref name="epoch"/>, and the offset where it ended; (-1, -1): none.</summary>
    public (int Epoch, long EndOffset) EndOfEpoch(int epoch) => Look(log =>
        epoch == LeaderEpoch ? (epoch, log.EndOffset) : log.Epochs.EndOf(epoch, log.EndOffset));

    /// <summary>The epoch of the record at an offset; -1: not known.</summary>
    public int EpochAt(long offset) => Look(log => log.Epochs.At(offset));

    /// <summary>Moves the start; -1: to the high watermark.</summary>
    /// <returns>The new start, or OFFSET_OUT_OF_RANGE.</returns>
    public (ErrorCode Error, long LowWatermark) DeleteRecords(long before)
    {
        lock (guard)
        {
            if (TryOpen(out var log) is { IsNone: false } problem)
                return (problem.Error, -1);
            if (before < -1 || before > log.EndOffset)
                return (ErrorCode.OffsetOutOfRange, -1);
            var start = before < 0 ? log.EndOffset : before;
            if (start <= log.StartOffset)
                return (ErrorCode.None, log.StartOffset);
            MoveStart(log, start);
        }
        Waiters.Signal(this);
        return (ErrorCode.None, StartOffset);
    }

    /// <summary>Producers with state here, for DescribeProducers.</summary>
    public IReadOnlyList<ProducerSnapshot> Producers() => Look<IReadOnlyList<ProducerSnapshot>>(static log =>
    [
        .. log.Producers.All.Where(state => state.Epoch >= 0).Select(state => new ProducerSnapshot(
            state.ProducerId, state.Epoch, state.LastSequence, state.LastTimestamp, state.CoordinatorEpoch, state.TransactionStart)),
    ]);

    /// <summary>
    /// Lets a producer's transaction write here: transactional batches of others are refused with INVALID_TXN_STATE. Ended by the marker, under
    /// the same lock as appends, so that no batch can slip in behind its marker.
    /// </summary>
    public void Enlist(long producerId, short producerEpoch)
    {
        lock (guard)
        {
            if (TryOpen(out var log).IsNone)
                log.Producers.Enlist(producerId, producerEpoch, Now);
        }
    }

    /// <summary>Deletes the segments whose time is over, and forgets silent producers.</summary>
    public void Housekeep()
    {
        lock (guard)
        {
            if (!TryOpen(out var log).IsNone)
                return;
            log.Producers.Expire(Now - LogRetention.ProducerExpiryMs);
            var start = LogRetention.NewStart(log, settings(), Now);
            if (start <= log.StartOffset)
                return;
            MoveStart(log, start);
        }
        Waiters.Signal(this);
    }

    /// <summary>The topic was deleted: nothing can be read or written from now on, and the bytes are given back.</summary>
    public void Delete()
    {
        lock (guard)
        {
            if (deleted)
                return;
            deleted = true;
            foreach (var segment in contents?.Segments ?? [])
                store.Remove(segment);
            contents = null;
            store.Delete();
        }
        Waiters.Signal(this);
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        foreach (var segment in Look(static log => log.Segments))
            segment.Bytes.Flush();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private AppendResult Refused(in BatchProblem problem) => new(problem.Error, -1, -1, StartOffset, problem.Message);

    private ValueTask<AppendResult> AppendAsync(Memory<byte> batch, BatchHeader header, Origin origin, TransactionMarker? marker)
    {
        AppendResult result;
        lock (guard)
            result = Append(batch, header, origin, marker);
        if (result.Error == ErrorCode.None)
            Waiters.Signal(this);
        return new(result);
    }

    private AppendResult Append(Memory<byte> batch, BatchHeader header, Origin origin, TransactionMarker? marker)
    {
        if (TryOpen(out var log) is { IsNone: false } closed)
            return new AppendResult(closed.Error, -1, -1, -1, closed.Message);
        if (header.HasProducer)
        {
            if (origin == Origin.Client && log.Producers.Repetition(header) is { } earlier)
                return new AppendResult(ErrorCode.None, earlier.FirstOffset, header.IsLogAppendTime ? earlier.Timestamp : -1, log.StartOffset);
            var problem = marker is { } end
                ? log.Producers.CheckMarker(header.ProducerId, header.ProducerEpoch, end.CoordinatorEpoch)
                : log.Producers.Check(header, checkSequence: origin == Origin.Client);
            if (!problem.IsNone)
                return new AppendResult(problem.Error, -1, -1, log.StartOffset, problem.Message);
        }
        header = header with { BaseOffset = log.EndOffset, LeaderEpoch = LeaderEpoch };
        BatchHeader.Place(batch.Span, header.BaseOffset, header.LeaderEpoch);
        try
        {
            var segment = SegmentFor(log, header);
            log.Epochs.Assign(LeaderEpoch, header.BaseOffset);
            var position = segment.Size;
            segment.Bytes.Append(batch.Span);
            log.TakeIn(header, position, marker, settings().IndexIntervalBytes, Now);
        }
        catch (IOException e)
        {
            return new AppendResult(ErrorCode.KafkaStorageError, -1, -1, log.StartOffset, e.Message);
        }
        return new AppendResult(ErrorCode.None, header.BaseOffset, header.IsLogAppendTime ? header.MaxTimestamp : -1, log.StartOffset);
    }

    private LogSegment SegmentFor(LogContents log, in BatchHeader header)
    {
        if (log.Active is { } active && !LogRetention.MustRoll(active, header, settings(), Now))
            return active;
        return Roll(log);
    }

    private LogSegment Roll(LogContents log)
    {
        var segment = store.CreateSegment(log.EndOffset);
        log.Segments = [.. log.Segments, segment];
        return segment;
    }

    private void MoveStart(LogContents log, long start)
    {
        if (start == log.EndOffset && log.Active is { Size: > 0 })
            Roll(log); // The active segment goes too; an empty one remembers where the log ends.
        log.StartOffset = start;
        log.Epochs.CutStart(start);
        var kept = Math.Max(0, LogView.Of(log).SegmentOf(start));
        var gone = log.Segments[..kept];
        log.Segments = log.Segments[kept..];
        foreach (var segment in gone)
            store.Remove(segment);
    }

    private T Look<T>(Func<LogContents, T> look)
    {
        lock (guard)
            return TryOpen(out var log).IsNone ? look(log) : look(new LogContents());
    }

    private BatchProblem TryOpen(out LogContents log)
    {
        log = contents!;
        if (log is not null)
            return BatchProblem.None;
        if (deleted)
            return new BatchProblem(ErrorCode.UnknownTopicOrPartition, $"topic {Topic} was deleted");
        log = contents = store.Load();
        return BatchProblem.None;
    }
}
