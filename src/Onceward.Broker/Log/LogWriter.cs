using Microsoft.Extensions.Logging;
using Onceward.Broker.Protocol;
using Onceward.Broker.Storage;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Log;

/// <summary>What all logs of a broker have in common.</summary>
/// <param name="LeaderEpoch">The number of this start of the broker: every partition's epoch.</param>
/// <param name="Flush">When appended records are forced to disk.</param>
/// <param name="Clock">Timestamps, retention, expiry.</param>
/// <param name="Logger">For what goes wrong.</param>
/// <param name="FlushLater">Has a log flushed in the background.</param>
internal sealed record LogEnvironment(int LeaderEpoch, FlushPolicy Flush, TimeProvider Clock, ILogger Logger, Action<PartitionLog> FlushLater)
{
    public long Now => Clock.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>Changes what a log holds: appends, rolls, moves its start. Every call is made under the log's lock.</summary>
/// <remarks>A crash between two steps leaves what recovery understands: an empty last segment, or segments before the start that go the next time.</remarks>
internal sealed class LogWriter(PartitionLog owner, ILogStore store, Func<TopicSettings> settings, LogEnvironment environment)
{
    private bool epochSaved;

    /// <param name="log">What it holds.</param>
    /// <param name="batch">Its offset and leader epoch are patched.</param>
    /// <param name="header">The batch's head.</param>
    /// <param name="fromClient">Repetitions are recognised, and sequences must follow.</param>
    /// <param name="marker">For the end of a transaction.</param>
    /// <exception cref="IOException">There is no room, or the disk failed; nothing was appended.</exception>
    public AppendResult Append(LogContents log, Memory<byte> batch, BatchHeader header, bool fromClient, TransactionMarker? marker)
    {
        if (header.HasProducer)
        {
            if (fromClient && log.Producers.Repetition(header) is { } earlier)
                return new AppendResult(ErrorCode.None, earlier.FirstOffset, header.IsLogAppendTime ? earlier.Timestamp : -1, log.StartOffset);
            var problem = marker is { } end
                ? log.Producers.CheckMarker(header.ProducerId, header.ProducerEpoch, end.CoordinatorEpoch)
                : log.Producers.Check(header, checkSequence: fromClient);
            if (!problem.IsNone)
                return new AppendResult(problem.Error, -1, -1, log.StartOffset, problem.Message);
        }
        var topic = settings();
        var now = environment.Now;
        header = header with { BaseOffset = log.EndOffset, LeaderEpoch = environment.LeaderEpoch };
        BatchHeader.Place(batch.Span, header.BaseOffset, header.LeaderEpoch);
        var segment = log.Active is { } active && !LogRetention.MustRoll(active, header, topic, now) ? active : Roll(log);
        SaveEpoch(log);
        var position = segment.Size;
        segment.Bytes.Append(batch.Span);
        log.TakeIn(header, position, marker, topic.IndexIntervalBytes, now);
        if (environment.Flush != FlushPolicy.EveryRequest)
            log.Publish(log.EndOffset, log.StableOffset);
        return new AppendResult(ErrorCode.None, header.BaseOffset, header.IsLogAppendTime ? header.MaxTimestamp : -1, log.StartOffset);
    }

    /// <param name="log">What it holds.</param>
    /// <param name="start">The new start.</param>
    /// <param name="durably">Noted on disk first, so that what was deleted does not come back.</param>
    /// <exception cref="IOException">The disk failed; the start may have moved.</exception>
    public void MoveStart(LogContents log, long start, bool durably)
    {
        if (start == log.EndOffset && log.Active is { Size: > 0 } active)
        {
            try
            {
                Roll(log); // The active segment goes too; an empty one remembers where the log ends.
            }
            catch (IOException) when (!durably && active.BaseOffset > log.StartOffset)
            {
                start = active.BaseOffset; // No room for another: those before it make some.
            }
        }
        if (durably)
            store.SaveStart(start);
        log.StartOffset = start;
        log.Publish(start, log.StableOffset);
        if (log.Epochs.CutStart(start))
            store.Save(log.Epochs);
        var kept = Math.Max(0, LogView.Of(log).SegmentOf(start));
        var gone = log.Segments[..kept];
        log.Segments = log.Segments[kept..];
        foreach (var segment in gone)
            store.Remove(segment);
    }

    private LogSegment Roll(LogContents log)
    {
        var segment = store.CreateSegment(log);
        log.Segments = [.. log.Segments, segment];
        if (log.Segments.Length > 1)
            environment.FlushLater(owner); // So that recovery need not look at the segment before.
        return segment;
    }

    /// <summary>Before the first batch of an epoch: none has one that is not known.</summary>
    private void SaveEpoch(LogContents log)
    {
        if (epochSaved)
            return;
        log.Epochs.Assign(environment.LeaderEpoch, log.EndOffset);
        store.Save(log.Epochs);
        epochSaved = true;
    }
}
