using System.Buffers;
using System.Buffers.Binary;

namespace Onceward.Broker.Log;

/// <summary>Makes one uncompressed batch, for what the broker itself writes: offsets, group and transaction state, markers.</summary>
/// <remarks>One use, one thread. The batch's offset and leader epoch are set by the log.</remarks>
internal sealed class RecordBatchBuilder(long timestamp)
{
    private const short CommitType = 1;
    private const short AbortType = 0;

    private readonly ArrayBufferWriter<byte> buffer = Begin();
    private long maxTimestamp = long.MinValue;

    /// <summary>-1: of no producer.</summary>
    public long ProducerId { get; init; } = -1;

    public short ProducerEpoch { get; init; } = -1;

    /// <summary>-1: not one of a sequence, which only the broker itself may write in a producer's name.</summary>
    public int BaseSequence { get; init; } = -1;

    public bool IsTransactional { get; init; }

    public int Count { get; private set; }

    /// <summary>Size of the batch so far.</summary>
    public int SizeInBytes => buffer.WrittenCount;

    private bool IsControl { get; init; }

    /// <summary>The batch that ends a transaction.</summary>
    public static Memory<byte> Marker(long producerId, short producerEpoch, bool commit, int coordinatorEpoch, long timestamp)
    {
        Span<byte> key = stackalloc byte[4];
        BinaryPrimitives.WriteInt16BigEndian(key[2..], commit ? CommitType : AbortType);
        Span<byte> value = stackalloc byte[6];
        BinaryPrimitives.WriteInt32BigEndian(value[2..], coordinatorEpoch);
        return new RecordBatchBuilder(timestamp) { ProducerId = producerId, ProducerEpoch = producerEpoch, IsTransactional = true, IsControl = true }
            .Add(key, value)
            .Build();
    }

    public RecordBatchBuilder Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Add(key, hasKey: true, value, hasValue: true, timestamp);

    public RecordBatchBuilder Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long at) => Add(key, hasKey: true, value, hasValue: true, at);

    /// <summary>A key without a value: what was said of it before is over.</summary>
    public RecordBatchBuilder AddTombstone(ReadOnlySpan<byte> key) => Add(key, hasKey: true, default, hasValue: false, timestamp);

    /// <summary>A value without a key, as clients send them.</summary>
    public RecordBatchBuilder AddWithoutKey(ReadOnlySpan<byte> value) => Add(default, hasKey: false, value, hasValue: true, timestamp);

    /// <exception cref="InvalidOperationException">There is no record in it.</exception>
    public Memory<byte> Build()
    {
        if (Count == 0)
            throw new InvalidOperationException("A batch has at least one record.");
        var batch = buffer.WrittenSpan.ToArray();
        var attributes = (IsTransactional ? BatchHeader.TransactionalBit : 0) | (IsControl ? BatchHeader.ControlBit : 0);
        new BatchHeader(0, batch.Length, -1, 2, 0, (short)attributes, Count - 1, timestamp, maxTimestamp, ProducerId, ProducerEpoch, BaseSequence, Count)
            .Write(batch);
        BatchHeader.WriteChecksum(batch);
        return batch;
    }

    private static ArrayBufferWriter<byte> Begin()
    {
        var begun = new ArrayBufferWriter<byte>(256);
        begun.GetSpan(BatchHeader.Size)[..BatchHeader.Size].Clear();
        begun.Advance(BatchHeader.Size);
        return begun;
    }

    private RecordBatchBuilder Add(ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue, long at)
    {
        var keyLength = hasKey ? key.Length : -1;
        var valueLength = hasValue ? value.Length : -1;
        var size = 1 + Varint.SizeOf(at - timestamp) + Varint.SizeOf(Count)
            + Varint.SizeOf(keyLength) + key.Length + Varint.SizeOf(valueLength) + value.Length + Varint.SizeOf(0);
        Number(size);
        buffer.Write([(byte)0]); // Attributes of the record: none are defined.
        Number(at - timestamp);
        Number(Count);
        Number(keyLength);
        buffer.Write(key);
        Number(valueLength);
        buffer.Write(value);
        Number(0); // Headers.
        maxTimestamp = Math.Max(maxTimestamp, at);
        Count++;
        return this;
    }

    private void Number(long value) => buffer.Advance(Varint.Write(buffer.GetSpan(Varint.MaxSize), value));
}
