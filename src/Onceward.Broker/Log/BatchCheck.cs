using Onceward.Broker.Protocol;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Log;

/// <summary>What was wrong with a batch; <see cref="ErrorCode.None"/>: nothing.</summary>
internal readonly record struct BatchProblem(ErrorCode Error, string? Message)
{
    public static BatchProblem None => default;

    public bool IsNone => Error == ErrorCode.None;
}

/// <summary>The checks that need no state of the partition, in Apache Kafka's order and with its error codes (LogValidator, UnifiedLog).</summary>
/// <remarks>
/// The records within are not looked at: the checksum says that they are what the producer meant to send. But for their keys, where the topic is
/// compacted; there, codecs that this broker cannot decode (snappy, lz4, zstd) pass.
/// </remarks>
internal static class BatchCheck
{
    /// <summary>Whether the bytes are one whole batch of format 2 with the right checksum.</summary>
    public static BatchProblem Whole(ReadOnlySpan<byte> batch, out BatchHeader header)
    {
        header = default;
        if (batch.Length < BatchHeader.Size)
        {
            return batch.Length > BatchHeader.MagicAt && batch[BatchHeader.MagicAt] is 0 or 1
                ? OldFormat(batch[BatchHeader.MagicAt])
                : new BatchProblem(batch.IsEmpty ? ErrorCode.InvalidRecord : ErrorCode.CorruptMessage,
                    $"{batch.Length} bytes of records are no batch: its head alone has {BatchHeader.Size}");
        }
        header = BatchHeader.Read(batch);
        if (header.Magic is 0 or 1)
            return OldFormat((byte)header.Magic);
        if (header.Magic != 2)
            return new BatchProblem(ErrorCode.CorruptMessage, $"format {header.Magic} of record batches is not known");
        if (header.SizeInBytes < BatchHeader.Size || header.SizeInBytes > batch.Length)
            return new BatchProblem(ErrorCode.CorruptMessage, $"the batch says it has {header.SizeInBytes} bytes and {batch.Length} came");
        if (header.SizeInBytes < batch.Length)
            return new BatchProblem(ErrorCode.InvalidRecord, "more than one batch for one partition: a produce request carries exactly one");
        return BatchHeader.Checksum(batch) == header.Crc
            ? BatchProblem.None
            : new BatchProblem(ErrorCode.CorruptMessage, "the batch's checksum is wrong: it was changed on its way");
    }

    /// <summary>What a client may write, beyond a batch being whole.</summary>
    public static BatchProblem FromClient(in BatchHeader header, TopicSettings settings, long now)
    {
        if (header.SizeInBytes > settings.MaxMessageBytes)
            return new BatchProblem(ErrorCode.MessageTooLarge, $"the batch has {header.SizeInBytes} bytes, max.message.bytes allows {settings.MaxMessageBytes}");
        if (header.SizeInBytes > settings.SegmentBytes)
            return new BatchProblem(ErrorCode.RecordListTooLarge, $"the batch has {header.SizeInBytes} bytes, segment.bytes allows {settings.SegmentBytes}");
        if (Malformed(header) is { } malformed)
            return new BatchProblem(ErrorCode.InvalidRecord, malformed);
        if (header.Codec > 4)
            return new BatchProblem(ErrorCode.UnsupportedCompressionType, $"compression {header.Codec} is not known");
        return Timestamps(header, settings, now);
    }

    /// <summary>The numbers of the records without a key.</summary>
    public static IReadOnlyList<int> RecordsWithoutKey(in BatchHeader header, ReadOnlyMemory<byte> batch) =>
        RecordReader.TryRead(new StoredBatch(header, batch), out var records)
            ? [.. Enumerable.Range(0, records.Count).Where(index => records[index].Key is null)]
            : [];

    private static string? Malformed(in BatchHeader header)
    {
        if (header.BaseOffset != 0)
            return $"the batch starts at offset {header.BaseOffset}: a producer's starts at 0";
        if (header.IsControl)
            return "a client may not write control batches";
        if (header.Count <= 0 || header.LastOffsetDelta != header.Count - 1)
            return $"the batch says {header.Count} records and a last offset of {header.LastOffsetDelta}";
        if (header.HasProducer && (header.BaseSequence < 0 || header.ProducerEpoch < 0))
            return $"producer {header.ProducerId} sent epoch {header.ProducerEpoch} and sequence {header.BaseSequence}: neither may be negative";
        return header.IsTransactional && !header.HasProducer ? "a transactional batch without a producer id" : null;
    }

    private static BatchProblem Timestamps(in BatchHeader header, TopicSettings settings, long now)
    {
        if (header.IsLogAppendTime)
            return new BatchProblem(ErrorCode.InvalidTimestamp, "the batch claims to be stamped by the broker");
        if (settings.LogAppendTime)
            return BatchProblem.None;
        // Kafka looks at each record; the base is the first one's, and the maximum is the latest.
        if (header.MaxTimestamp >= 0 && header.MaxTimestamp - now > settings.TimestampAfterMaxMs)
            return TimestampOut(header.MaxTimestamp, now, "after", settings.TimestampAfterMaxMs);
        if (header.BaseTimestamp >= 0 && now - header.BaseTimestamp > settings.TimestampBeforeMaxMs)
            return TimestampOut(header.BaseTimestamp, now, "before", settings.TimestampBeforeMaxMs);
        return BatchProblem.None;
    }

    private static BatchProblem TimestampOut(long timestamp, long now, string side, long bound) => new(ErrorCode.InvalidTimestamp,
        $"timestamp {timestamp} is {Math.Abs(timestamp - now)} ms {side} the broker's, message.timestamp.{side}.max.ms allows {bound}");

    private static BatchProblem OldFormat(byte magic) => new(ErrorCode.UnsupportedForMessageFormat,
        $"message format {magic} is older than what this broker keeps (2)");
}
