using Onceward.Broker.Protocol;
using Onceward.Broker.Storage;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Log;

/// <summary>The records of one partition: batches as producers sent them, in the order of their offsets.</summary>
/// <remarks>
/// <para>Guarantee: an append is visible to readers, and acknowledged, only when it is as durable as the flush policy says. Batches are never
/// parsed per record nor re-encoded: offset and leader epoch are patched into the header, which the checksum does not cover.</para>
/// <para>Concurrency: one lock a partition for appends and for what moves with them; readers take it only to look. Waiters are told outside it.</para>
/// <para>Crash: what was not flushed may be gone; recovery cuts the log at the first batch that is not whole, and the next start has a higher
/// leader epoch, so that clients notice. A flush that fails leaves unknown what is on disk: the log then stops until the broker is started again.</para>
/// </remarks>
internal sealed class PartitionLog : IAsyncDisposable
{
    private readonly Lock guard = new();
    private readonly ILogStore store;
    private readonly Func<TopicSettings> settings;
    private readonly LogEnvironment environment;
    private readonly LogWriter writer;
    private LogContents? contents; // Loaded at the first touch: a start must not open every partition.
    private LogPlace? hint; // Where the last read ended, which is where the next one of the same reader begins.
    private FlushGate? flushes;
    private BatchProblem closed;

    public PartitionLog(string topic, int partition, ILogStore store, Func<TopicSettings> settings, LogEnvironment environment)
    {
        (Topic, Partition) = (topic, partition);
        (this.store, this.settings, this.environment) = (store, settings, environment);
        writer = new LogWriter(this, store, settings, environment);
    }

    public string Topic { get; }

    public int Partition { get; }

    public int LeaderEpoch => environment.LeaderEpoch;

    /// <summary>The first offset that can be read.</summary>
    public long StartOffset => Look(static log => log.StartOffset);

    /// <summary>The offset after the last visible record.</summary>
    public long HighWatermark => Look(static log => log.VisibleEnd);

    /// <summary>The first offset of the earliest open transaction; the high watermark without one.</summary>
    public long LastStableOffset => Look(static log => log.VisibleStable);

    public long SizeInBytes => Look(static log => log.SizeInBytes);

    /// <summary>Who waits for records here. Signalled after appends, ends of transactions, moves of the start, and deletion.</summary>
    public LogWaiters Waiters { get; } = new();

    /// <summary>Whether there is something that a flush would write.</summary>
    public bool IsDirty
    {
        get
        {
            lock (guard)
                return closed.IsNone && contents is { } log && log.FlushedOffset < log.EndOffset;
        }
    }

    private bool WaitsForFlush => environment.Flush == FlushPolicy.EveryRequest;

    private FlushGate Flushes => Volatile.Read(ref flushes) ?? Interlocked.CompareExchange(ref flushes, new FlushGate(Flush), null) ?? flushes;

    /// <summary>Why nothing can be learned of the log now, if so: it is then neither empty nor ended.</summary>
    public ErrorCode Check()
    {
        lock (guard)
            return TryOpen(out _).Error;
    }

    /// <summary>Appends one batch from a client, checked as Kafka checks it. Patches the given bytes.</summary>
    public ValueTask<AppendResult> AppendAsync(Memory<byte> batch, CancellationToken cancellationToken)
    {
        var problem = BatchCheck.Whole(batch.Span, out var header);
        var topic = settings();
        if (problem.IsNone)
            problem = BatchCheck.FromClient(header, topic, environment.Now);
        if (!problem.IsNone)
            return new(new AppendResult(problem.Error, -1, -1, StartOffset, problem.Message));
        if (topic.NeedsKeys && BatchCheck.RecordsWithoutKey(header, batch) is { Count: > 0 } keyless)
            return new(new AppendResult(ErrorCode.InvalidRecord, -1, -1, StartOffset, $"{keyless.Count} record(s) without a key in a compacted topic", keyless));
        if (topic.LogAppendTime)
            header = header.Stamp(batch.Span, environment.Now);
        return AppendAsync(batch, header, fromClient: true, marker: null);
    }

    /// <summary>Appends a batch that the broker itself made (offsets, transaction state): not checked for sequence or size.</summary>
    public ValueTask<AppendResult> AppendInternalAsync(Memory<byte> batch, CancellationToken cancellationToken) =>
        AppendAsync(batch, BatchHeader.Read(batch.Span), fromClient: false, marker: null);

    /// <summary>Appends the marker that ends a producer's transaction here. Without an open transaction the marker is written all the same.</summary>
    public ValueTask<AppendResult> AppendMarkerAsync(long producerId, short producerEpoch, bool commit, int coordinatorEpoch, CancellationToken cancellationToken)
    {
        var batch = RecordBatchBuilder.Marker(producerId, producerEpoch, commit, coordinatorEpoch, environment.Now);
        return AppendAsync(batch, BatchHeader.Read(batch.Span), fromClient: false, new TransactionMarker(commit, coordinatorEpoch));
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
            read = new LogRead(ErrorCode.None, log.VisibleEnd, log.VisibleStable, log.StartOffset, [], LogSlice.Empty);
        }
        if (offset < read.StartOffset || offset > view.EndOffset)
            return LogRead.OutOfRange;
        var bound = readCommitted ? read.LastStableOffset : read.HighWatermark;
        if (offset >= bound)
            return read;
        try
        {
            if (LogLookup.Slice(view, offset, bound, maxBytes, atLeastOneBatch, Volatile.Read(ref hint)) is var (slice, next))
            {
                Volatile.Write(ref hint, next);
                return read with { Records = slice, Aborted = readCommitted ? LogLookup.Aborted(view, offset, next.Offset) : [] };
            }
        }
        catch (IOException e)
        {
            environment.Logger.LogTroubled(Topic, Partition, e.Message);
        }
        return StartOffset > offset ? LogRead.OutOfRange : read with { Error = ErrorCode.KafkaStorageError };
    }

    /// <summary>The first record at or after a timestamp (milliseconds since 1970, UTC); null: none.</summary>
    public TimestampedOffset? FindTimestamp(long timestamp) => LogLookup.ByTime(Look(LogView.Of), timestamp);

    /// <summary>The record with the highest timestamp; null: an empty log.</summary>
    public TimestampedOffset? FindMaxTimestamp() => LogLookup.ByMaxTime(Look(LogView.Of));

    /// <summary>The largest known epoch not above <paramref name="epoch"/>, and the offset where it ended; (-1, -1): none.</summary>
    public (int Epoch, long EndOffset) EndOfEpoch(int epoch) => Look(log => log.Epochs.EndOf(epoch, LeaderEpoch, log.VisibleEnd));

    /// <summary>The epoch of the record at an offset; -1: not known.</summary>
    public int EpochAt(long offset) => Look(log => log.Epochs.At(offset));

    /// <summary>Moves the start, durably; -1: to the high watermark.</summary>
    /// <returns>The new start, or OFFSET_OUT_OF_RANGE.</returns>
    public (ErrorCode Error, long LowWatermark) DeleteRecords(long before)
    {
        long start;
        lock (guard)
        {
            if (TryOpen(out var log) is { IsNone: false } problem)
                return (problem.Error, -1);
            if (before < -1 || before > log.VisibleEnd)
                return (ErrorCode.OffsetOutOfRange, -1);
            start = before < 0 ? log.VisibleEnd : before;
            if (start <= log.StartOffset)
                return (ErrorCode.None, log.StartOffset);
            try
            {
                writer.MoveStart(log, start, durably: true);
            }
            catch (IOException e)
            {
                environment.Logger.LogTroubled(Topic, Partition, e.Message);
                return (ErrorCode.KafkaStorageError, -1);
            }
        }
        Waiters.Signal();
        return (ErrorCode.None, start);
    }

    /// <summary>Producers with state here, for DescribeProducers.</summary>
    public IReadOnlyList<ProducerSnapshot> Producers() => Look<IReadOnlyList<ProducerSnapshot>>(static log =>
    [
        .. log.Producers.All.Where(state => state.Epoch >= 0).Select(state => new ProducerSnapshot(
            state.ProducerId, state.Epoch, state.LastSequence, state.LastTimestamp, state.CoordinatorEpoch, state.TransactionStart)),
    ]);

    /// <summary>
    /// Lets a producer's transaction write here: transactional batches of others are refused with INVALID_TXN_STATE. Ended by the marker, under
    /// the same lock as appends, so that no batch can slip in behind its marker. Not kept over a restart: the coordinator enlists again.
    /// </summary>
    public ErrorCode Enlist(long producerId, short producerEpoch)
    {
        lock (guard)
        {
            var problem = TryOpen(out var log);
            if (problem.IsNone)
                log.Producers.Enlist(producerId, producerEpoch, environment.Now);
            return problem.Error;
        }
    }

    /// <summary>Deletes the segments whose time is over, and forgets silent producers.</summary>
    /// <exception cref="IOException">The disk failed; it is tried again the next time.</exception>
    public void Housekeep()
    {
        long start;
        lock (guard)
        {
            if (!TryOpen(out var log).IsNone)
                return;
            log.Producers.Expire(environment.Now - LogRetention.ProducerExpiryMs);
            start = LogRetention.NewStart(log, settings(), environment.Now);
            if (start <= log.StartOffset)
                return;
            writer.MoveStart(log, start, durably: false);
            start = log.StartOffset; // Without room for a new segment less has gone.
        }
        environment.Logger.SegmentsDeleted(Topic, Partition, start);
        Waiters.Signal();
    }

    /// <summary>The topic was deleted: nothing can be read or written from now on, and the bytes are given back.</summary>
    public void Delete()
    {
        lock (guard)
        {
            foreach (var segment in contents?.Segments ?? [])
                segment.Bytes.Dispose();
            contents = null;
            closed = new BatchProblem(ErrorCode.UnknownTopicOrPartition, $"topic {Topic} was deleted");
            try
            {
                store.Delete();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                environment.Logger.LogTroubled(Topic, Partition, e.Message);
            }
        }
        Waiters.Signal();
    }

    /// <summary>Completes when everything appended so far is on disk.</summary>
    /// <exception cref="IOException">The disk failed; the log takes nothing more.</exception>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (IsDirty)
            await Flushes.UpTo(Look(static log => log.EndOffset)).ConfigureAwait(false);
    }

    /// <summary>Flushes, and leaves the log so that the next start need not recover it.</summary>
    public async ValueTask DisposeAsync()
    {
        await FlushAsync(CancellationToken.None).ConfigureAwait(false);
        lock (guard)
        {
            if (contents is { } log && closed.IsNone)
                store.Close(log);
            contents = null;
            closed = closed.IsNone ? new BatchProblem(ErrorCode.KafkaStorageError, "the broker is stopping") : closed;
        }
    }

    private ValueTask<AppendResult> AppendAsync(Memory<byte> batch, in BatchHeader header, bool fromClient, TransactionMarker? marker)
    {
        AppendResult result;
        long end;
        lock (guard)
        {
            if (TryOpen(out var log) is { IsNone: false } problem)
                return new(new AppendResult(problem.Error, -1, -1, -1, problem.Message));
            try
            {
                result = writer.Append(log, batch, header, fromClient, marker);
            }
            catch (IOException e)
            {
                result = new AppendResult(ErrorCode.KafkaStorageError, -1, -1, log.StartOffset, e.Message);
            }
            end = log.EndOffset;
        }
        if (result.Error == ErrorCode.KafkaStorageError)
            environment.Logger.LogTroubled(Topic, Partition, result.Message!);
        if (result.Error != ErrorCode.None)
            return new(result);
        if (WaitsForFlush)
            return Acknowledge(result, end); // A repetition too: what it repeats may not be on disk yet.
        Waiters.Signal();
        return new(result);
    }

    private async ValueTask<AppendResult> Acknowledge(AppendResult appended, long end)
    {
        try
        {
            await Flushes.UpTo(end).ConfigureAwait(false);
            return appended;
        }
        catch (IOException e)
        {
            return new AppendResult(ErrorCode.KafkaStorageError, -1, -1, appended.LogStartOffset, e.Message);
        }
    }

    /// <summary>One flush, for all that was appended before it. Says up to where.</summary>
    private long Flush()
    {
        LogContents log;
        LogView view;
        long stable;
        lock (guard)
        {
            if (TryOpen(out log) is { IsNone: false } problem)
                throw new IOException(problem.Message);
            view = LogView.Of(log);
            stable = log.StableOffset;
        }
        var first = Math.Max(0, view.SegmentOf(log.FlushedOffset));
        try
        {
            foreach (var segment in view.Segments.AsSpan(first))
                store.Flush(segment);
        }
        catch (IOException e)
        {
            if (e is FlushFailedException)
                Fail(e.Message);
            else
                environment.Logger.LogTroubled(Topic, Partition, e.Message);
            throw;
        }
        if (first < view.Segments.Length - 1)
            SaveFlushed(view);
        lock (guard)
        {
            log.FlushedOffset = Math.Max(log.FlushedOffset, view.EndOffset);
            log.Publish(view.EndOffset, stable);
        }
        if (WaitsForFlush)
            Waiters.Signal();
        return view.EndOffset;
    }

    /// <summary>Spares the next start work. The records are on disk either way, where there may be no room for the note.</summary>
    private void SaveFlushed(in LogView view)
    {
        try
        {
            store.SaveFlushed(view.EndOffset, view.Segments[^1].BaseOffset, view.EndPosition);
        }
        catch (IOException e)
        {
            environment.Logger.LogTroubled(Topic, Partition, e.Message);
        }
    }

    private void Fail(string reason)
    {
        lock (guard)
        {
            if (!closed.IsNone)
                return;
            closed = new BatchProblem(ErrorCode.KafkaStorageError, $"the disk failed, and the partition stopped until the broker is started again: {reason}");
        }
        environment.Logger.LogFailed(Topic, Partition, reason);
    }

    private T Look<T>(Func<LogContents, T> look)
    {
        lock (guard)
            return TryOpen(out var log).IsNone ? look(log) : look(new LogContents());
    }

    private BatchProblem TryOpen(out LogContents log)
    {
        log = contents!;
        if (!closed.IsNone)
            return closed;
        if (log is not null)
            return BatchProblem.None;
        try
        {
            log = store.Load();
            if (WaitsForFlush && log.FlushedOffset < log.EndOffset)
            {
                foreach (var segment in log.Segments)
                    store.Flush(segment);
            }
            log.Publish(log.EndOffset, log.StableOffset);
            contents = log;
            return BatchProblem.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            environment.Logger.LogTroubled(Topic, Partition, e.Message);
            return new BatchProblem(ErrorCode.KafkaStorageError, e.Message);
        }
    }
}
