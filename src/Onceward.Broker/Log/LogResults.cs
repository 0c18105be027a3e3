using Onceward.Broker.Protocol;

namespace Onceward.Broker.Log;

/// <summary>What became of an append.</summary>
/// <param name="Error">None, or why nothing was appended.</param>
/// <param name="BaseOffset">Offset of the first record; of the original one where the batch is a repetition; -1 on error.</param>
/// <param name="LogAppendTime">Milliseconds since 1970 where the topic stamps records itself; else -1.</param>
/// <param name="LogStartOffset">First offset of the log.</param>
/// <param name="Message">What was wrong, for the client's log.</param>
/// <param name="BadRecords">Which records of the batch were at fault, where that is known.</param>
internal readonly record struct AppendResult(
    ErrorCode Error, long BaseOffset, long LogAppendTime, long LogStartOffset, string? Message = null, IReadOnlyList<int>? BadRecords = null);

/// <summary>A transaction that was aborted: readers of committed records drop its producer's records from <paramref name="FirstOffset"/> to the marker.</summary>
internal readonly record struct AbortedTransaction(long ProducerId, long FirstOffset);

internal readonly record struct TimestampedOffset(long Offset, long Timestamp, int LeaderEpoch);

/// <summary>One partition's state and a view of its records, of one moment. Data never lie beyond the watermark given with them.</summary>
internal readonly record struct LogRead(
    ErrorCode Error, long HighWatermark, long LastStableOffset, long StartOffset, IReadOnlyList<AbortedTransaction> Aborted, LogSlice Records)
{
    /// <summary>As Apache Kafka answers it: with this error no offset is told.</summary>
    public static LogRead OutOfRange => new(ErrorCode.OffsetOutOfRange, -1, -1, -1, [], LogSlice.Empty);
}

/// <summary>A producer's state in one partition.</summary>
internal readonly record struct ProducerSnapshot(
    long ProducerId, short ProducerEpoch, int LastSequence, long LastTimestamp, int CoordinatorEpoch, long CurrentTransactionStart);
