using System.Buffers.Binary;
using System.Text;

namespace Onceward.Conformance.Wire;

/// <summary>A record batch, format 2, each field open to what a test wants wrong.</summary>
internal sealed record Batch
{
    public const short Transactional = 0x10;
    public const short Control = 0x20;
    public const short LogAppendTime = 0x08;

    /// <summary>Values of the records, without keys.</summary>
    public required string?[] Values { get; init; }

    public long BaseOffset { get; init; }

    public sbyte Magic { get; init; } = 2;

    public short Attributes { get; init; }

    public int? LastOffsetDelta { get; init; }

    public int? Count { get; init; }

    /// <summary>Of today: a log rolls its segment between records that lie a week apart, and retention drops old ones.</summary>
    public long Timestamp { get; init; } = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    /// <summary>Distance of each record's timestamp from the first.</summary>
    public long[]? TimestampDeltas { get; init; }

    public long ProducerId { get; init; } = -1;

    public short ProducerEpoch { get; init; } = -1;

    public int BaseSequence { get; init; } = -1;

    public bool BreakCrc { get; init; }

    public static implicit operator byte[](Batch batch) => batch.ToArray();

    public byte[] ToArray()
    {
        var records = new WireWriter(flexible: false);
        for (var i = 0; i < Values.Length; i++)
            records.Raw(Record(i));
        var content = records.ToArray();
        var covered = new WireWriter(flexible: false).Int16(Attributes).Int32(LastOffsetDelta ?? Values.Length - 1)
            .Int64(Timestamp).Int64(Timestamp + (TimestampDeltas?.Max() ?? 0))
            .Int64(ProducerId).Int16(ProducerEpoch).Int32(BaseSequence).Int32(Count ?? Values.Length).Raw(content).ToArray();
        var crc = Crc32C(covered) ^ (BreakCrc ? 1u : 0u);
        return new WireWriter(flexible: false).Int64(BaseOffset).Int32(covered.Length + 9).Int32(-1).Int8(Magic).Int32((int)crc).Raw(covered).ToArray();
    }

    private byte[] Record(int index)
    {
        var value = Values[index] is { } text ? Encoding.UTF8.GetBytes(text) : null;
        var body = new WireWriter(flexible: false).Int8(0).ZigZag(TimestampDeltas?[index] ?? 0).ZigZag(index).ZigZag(-1).ZigZag(value?.Length ?? -1).Raw(value).ZigZag(0).ToArray();
        return new WireWriter(flexible: false).ZigZag(body.Length).Raw(body).ToArray();
    }

    /// <summary>The batches of a fetched byte string: base offset, count, attributes, producer id, epoch, first sequence, and values (of data batches, not compressed).</summary>
    public static List<Fetched> Read(byte[]? bytes)
    {
        var batches = new List<Fetched>();
        for (var rest = bytes.AsSpan(); rest.Length >= 12 && rest.Length >= 12 + BinaryPrimitives.ReadInt32BigEndian(rest[8..]);)
        {
            var length = 12 + BinaryPrimitives.ReadInt32BigEndian(rest[8..]);
            var batch = rest[..length];
            Crc32C(batch[21..]).ShouldBe(BinaryPrimitives.ReadUInt32BigEndian(batch[17..]), "CRC of a fetched batch");
            batches.Add(new Fetched(batch.ToArray()));
            rest = rest[length..];
        }
        return batches;
    }

    /// <summary>Castagnoli's polynomial, bit by bit: slow, and surely right.</summary>
    private static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var next in bytes)
        {
            crc ^= next;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
        }
        return ~crc;
    }
}

/// <summary>A batch as the broker returned it.</summary>
internal sealed class Fetched(byte[] bytes)
{
    public long BaseOffset => BinaryPrimitives.ReadInt64BigEndian(bytes);

    public int LeaderEpoch => BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(12));

    public short Attributes => BinaryPrimitives.ReadInt16BigEndian(bytes.AsSpan(21));

    public int LastOffsetDelta => BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(23));

    public long MaxTimestamp => BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(35));

    public long ProducerId => BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(43));

    public short ProducerEpoch => BinaryPrimitives.ReadInt16BigEndian(bytes.AsSpan(51));

    public int BaseSequence => BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(53));

    public int Count => BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(57));

    public bool IsControl => (Attributes & Batch.Control) != 0;

    public bool IsTransactional => (Attributes & Batch.Transactional) != 0;

    public int Size => bytes.Length;

    /// <summary>What lies behind the header.</summary>
    public ReadOnlyMemory<byte> Records => bytes.AsMemory(61);
}
