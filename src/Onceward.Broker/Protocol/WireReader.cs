using System.Buffers.Binary;
using System.Text;

namespace Onceward.Broker.Protocol;

/// <summary>Reads one item of an array.</summary>
internal delegate T ItemReader<out T>(ref WireReader reader);

/// <summary>
/// Reads a request's body from its frame, in place. Strings, bytes and arrays have two encodings: <see cref="Flexible"/> says which, so that
/// a message names its fields once.
/// </summary>
/// <remarks>
/// No length that the peer sent is believed: nothing is allocated for more than the frame holds, and reading past its end throws
/// <see cref="MalformedRequestException"/>. What <see cref="Bytes"/> returns is part of the frame, valid as long as that is.
/// Source: the "Protocol primitive types" of Apache Kafka's protocol guide, and KIP-482 for the compact ones.
/// </remarks>
internal ref struct WireReader(Memory<byte> frame, short version, bool flexible)
{
    private const int ItemsToExpect = 1024; // Arrays are sized for this many at most and grow with what is really there.

    private readonly Span<byte> span = frame.Span;
    private int position;

    public readonly short Version => version;

    public readonly bool Flexible => flexible;

    public readonly int Position => position;

    public readonly int Remaining => span.Length - position;

    public sbyte Int8() => (sbyte)Take(1)[0];

    public bool Bool() => Take(1)[0] != 0;

    public short Int16() => BinaryPrimitives.ReadInt16BigEndian(Take(2));

    public int Int32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    public long Int64() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    public Guid Uuid() => new(Take(16), bigEndian: true);

    public uint UnsignedVarint()
    {
        uint value = 0;
        for (var shift = 0; shift < 35; shift += 7)
        {
            var next = Take(1)[0];
            value |= (uint)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }
        throw new MalformedRequestException("a varint is longer than five bytes");
    }

    public string String() => NullableString() ?? throw new MalformedRequestException("a string that must be there is null");

    public string? NullableString()
    {
        var length = flexible ? CompactLength() : Int16();
        if (length > short.MaxValue) // As Kafka: what the compact encoding could carry, the others and the log could not.
            throw new MalformedRequestException($"a string of {length} bytes");
        return length < 0 ? null : Encoding.UTF8.GetString(Take(length));
    }

    public Memory<byte> Bytes() => NullableBytes() ?? throw new MalformedRequestException("bytes that must be there are null");

    /// <summary>Also the encoding of records.</summary>
    public Memory<byte>? NullableBytes()
    {
        var length = flexible ? CompactLength() : Int32();
        if (length < 0)
            return null;
        var start = position;
        Take(length);
        return frame.Slice(start, length);
    }

    public List<T> Array<T>(ItemReader<T> read) => NullableArray(read) ?? throw new MalformedRequestException("an array that must be there is null");

    public List<T>? NullableArray<T>(ItemReader<T> read)
    {
        var count = flexible ? CompactLength() : Int32();
        if (count < 0)
            return null;
        if (count > Remaining) // Every item has at least one byte.
            throw new MalformedRequestException($"an array of {count} items in {Remaining} bytes");
        var items = new List<T>(Math.Min(count, ItemsToExpect));
        for (var i = 0; i < count; i++)
            items.Add(read(ref this));
        return items;
    }

    public List<int> Int32Array() => Array(static (ref WireReader reader) => reader.Int32());

    public List<string> StringArray() => Array(static (ref WireReader reader) => reader.String());

    /// <summary>Passes over the tagged fields at the end of a structure; none where the version has none.</summary>
    public void Tags()
    {
        if (!flexible)
            return;
        for (var left = UnsignedVarint(); left > 0; left--)
        {
            UnsignedVarint();
            Take(Length(UnsignedVarint()));
        }
    }

    private int CompactLength() => Length(UnsignedVarint()) - 1;

    private static int Length(uint length) =>
        length <= int.MaxValue ? (int)length : throw new MalformedRequestException($"a length of {length}");

    private Span<byte> Take(int count)
    {
        if ((uint)count > (uint)Remaining)
            throw new MalformedRequestException($"{count} bytes wanted and {Remaining} left");
        var taken = span.Slice(position, count);
        position += count;
        return taken;
    }
}
