using System.Buffers.Binary;
using System.Text;

namespace Onceward.Conformance.Wire;

/// <summary>Reads what <see cref="WireWriter"/> writes, and refuses what does not fit.</summary>
internal sealed class WireReader(byte[] bytes, bool flexible)
{
    private int position;

    public int Remaining => bytes.Length - position;

    public short Int16() => BinaryPrimitives.ReadInt16BigEndian(Take(2));

    public int Int32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    public long Int64() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    public uint Varint()
    {
        uint value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = Take(1)[0];
            value |= (uint)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
            shift.ShouldBeLessThan(28);
        }
    }

    public ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > Remaining)
            throw new InvalidDataException($"{count} bytes wanted at {position} of a message of {bytes.Length}.");
        position += count;
        return bytes.AsSpan(position - count, count);
    }

    public Reply Fields(List<Field> fields, int version)
    {
        var values = new Dictionary<string, object?>();
        foreach (var field in fields.Where(f => f.In(version) && f.Tag is null))
            values[field.Name] = Value(field, version);
        if (flexible)
            Tags(fields, values, version);
        return new Reply(values);
    }

    private void Tags(List<Field> fields, Dictionary<string, object?> values, int version)
    {
        var count = Varint();
        for (var i = 0; i < count; i++)
        {
            var tag = Varint();
            var content = new WireReader(Take((int)Varint()).ToArray(), flexible: true);
            if (fields.Find(f => f.Tag == tag && f.In(version)) is not { } field)
                continue;
            values[field.Name] = content.Value(field, version);
            content.Remaining.ShouldBe(0, $"tagged field {field.Name}");
        }
    }

    private object? Value(Field field, int version)
    {
        if (!field.IsArray)
            return Primitive(field);
        var count = flexible ? (int)Varint() - 1 : Int32();
        if (count < 0)
        {
            field.Nullable.ShouldBeTrue($"{field.Name} may not be null");
            return null;
        }
        count.ShouldBeLessThanOrEqualTo(Remaining, field.Name);
        var elements = new List<object?>(count);
        for (var i = 0; i < count; i++)
            elements.Add(field.Type.Length == 0 ? Fields(field.Members, version) : Primitive(field));
        return elements;
    }

    private object? Primitive(Field field) => field.Type switch
    {
        "bool" => (long)(Take(1)[0] is 0 or 1 ? bytes[position - 1] : throw new InvalidDataException($"{field.Name} is neither true nor false.")),
        "int8" => (long)(sbyte)Take(1)[0],
        "int16" => (long)Int16(),
        "int32" => (long)Int32(),
        "int64" => Int64(),
        "uuid" => new Guid(Take(16), bigEndian: true),
        "string" => Sized(field, flexible ? (int)Varint() - 1 : Int16()) is { } text ? Encoding.UTF8.GetString(text) : null,
        "bytes" => Sized(field, flexible ? (int)Varint() - 1 : Int32()),
        _ => throw new InvalidOperationException($"'{field.Type}' is no type."),
    };

    private byte[]? Sized(Field field, int length)
    {
        if (length >= 0)
            return Take(length).ToArray();
        length.ShouldBe(-1, field.Name);
        field.Nullable.ShouldBeTrue($"{field.Name} may not be null");
        return null;
    }
}
