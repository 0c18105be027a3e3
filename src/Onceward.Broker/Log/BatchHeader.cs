using System.Buffers.Binary;
using Onceward.Broker.Storage;

namespace Onceward.Broker.Log;

/// <summary>The head of a record batch (format 2), decoded once. The records behind it stay as they are.</summary>
/// <remarks>
/// Layout: "Record Batch" of Apache Kafka's implementation guide. The checksum covers everything from <see cref="AttributesAt"/> on, so that
/// offset and leader epoch can be patched without a new one.
/// </remarks>
internal readonly record struct BatchHeader(
    long BaseOffset,
    int SizeInBytes,
    int LeaderEpoch,
    sbyte Magic,
    uint Crc,
    short Attributes,
    int LastOffsetDelta,
    long BaseTimestamp,
    long MaxTimestamp,
    long ProducerId,
    short ProducerEpoch,
    int BaseSequence,
    int Count)
{
    public const int Size = 61;
    public const int LengthAt = 8;
    public const int LengthEndsAt = 12; // The length field counts what follows it.
    public const int MagicAt = 16;
    public const int CrcAt = 17;
    public const int AttributesAt = 21;
    public const int LogAppendTimeBit = 0x08;
    public const int TransactionalBit = 0x10;
    public const int ControlBit = 0x20;

    private const int MaxTimestampAt = 35;

    public int Codec => Attributes & 0x07;

    public bool IsLogAppendTime => (Attributes & LogAppendTimeBit) != 0;

    public bool IsTransactional => (Attributes & TransactionalBit) != 0;

    public bool IsControl => (Attributes & ControlBit) != 0;

    public bool HasProducer => ProducerId >= 0;

    public long LastOffset => BaseOffset + LastOffsetDelta;

    public long NextOffset => LastOffset + 1;

    /// <summary>Sequence numbers wrap from the largest integer to 0.</summary>
    public int LastSequence => BaseSequence < 0 ? BaseSequence : (BaseSequence + LastOffsetDelta) & int.MaxValue;

    /// <summary>Whether the size is one that a batch can have; nothing else of the head may be believed before.</summary>
    public bool IsPlausible => SizeInBytes >= Size && Magic == 2 && LastOffsetDelta >= 0 && BaseOffset >= 0;

    /// <param name="bytes">At least <see cref="Size"/> of them.</param>
    public static BatchHeader Read(ReadOnlySpan<byte> bytes)
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(bytes[LengthAt..]);
        return new BatchHeader(
            BinaryPrimitives.ReadInt64BigEndian(bytes),
            length is < 0 or > int.MaxValue - LengthEndsAt ? -1 : length + LengthEndsAt,
            BinaryPrimitives.ReadInt32BigEndian(bytes[12..]),
            (sbyte)bytes[MagicAt],
            BinaryPrimitives.ReadUInt32BigEndian(bytes[CrcAt..]),
            BinaryPrimitives.ReadInt16BigEndian(bytes[AttributesAt..]),
            BinaryPrimitives.ReadInt32BigEndian(bytes[23..]),
            BinaryPrimitives.ReadInt64BigEndian(bytes[27..]),
            BinaryPrimitives.ReadInt64BigEndian(bytes[MaxTimestampAt..]),
            BinaryPrimitives.ReadInt64BigEndian(bytes[43..]),
            BinaryPrimitives.ReadInt16BigEndian(bytes[51..]),
            BinaryPrimitives.ReadInt32BigEndian(bytes[53..]),
            BinaryPrimitives.ReadInt32BigEndian(bytes[57..]));
    }

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteInt64BigEndian(bytes, BaseOffset);
        BinaryPrimitives.WriteInt32BigEndian(bytes[LengthAt..], SizeInBytes - LengthEndsAt);
        BinaryPrimitives.WriteInt32BigEndian(bytes[12..], LeaderEpoch);
        bytes[MagicAt] = (byte)Magic;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[CrcAt..], Crc);
        BinaryPrimitives.WriteInt16BigEndian(bytes[AttributesAt..], Attributes);
        BinaryPrimitives.WriteInt32BigEndian(bytes[23..], LastOffsetDelta);
        BinaryPrimitives.WriteInt64BigEndian(bytes[27..], BaseTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(bytes[MaxTimestampAt..], MaxTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(bytes[43..], ProducerId);
        BinaryPrimitives.WriteInt16BigEndian(bytes[51..], ProducerEpoch);
        BinaryPrimitives.WriteInt32BigEndian(bytes[53..], BaseSequence);
        BinaryPrimitives.WriteInt32BigEndian(bytes[57..], Count);
    }

    /// <summary>Gives the batch its place in the log. The checksum does not cover these fields.</summary>
    public static void Place(Span<byte> batch, long baseOffset, int leaderEpoch)
    {
        BinaryPrimitives.WriteInt64BigEndian(batch, baseOffset);
        BinaryPrimitives.WriteInt32BigEndian(batch[12..], leaderEpoch);
    }

    /// <summary>Stamps the whole batch with the broker's time, and makes the checksum anew.</summary>
    public BatchHeader Stamp(Span<byte> batch, long now)
    {
        var attributes = (short)(Attributes | LogAppendTimeBit);
        BinaryPrimitives.WriteInt16BigEndian(batch[AttributesAt..], attributes);
        BinaryPrimitives.WriteInt64BigEndian(batch[MaxTimestampAt..], now);
        return this with { Attributes = attributes, MaxTimestamp = now, Crc = WriteChecksum(batch) };
    }

    public static uint WriteChecksum(Span<byte> batch)
    {
        var crc = Checksum(batch);
        BinaryPrimitives.WriteUInt32BigEndian(batch[CrcAt..], crc);
        return crc;
    }

    public static uint Checksum(ReadOnlySpan<byte> batch) => Crc32C.Of(batch[AttributesAt..]);
}
