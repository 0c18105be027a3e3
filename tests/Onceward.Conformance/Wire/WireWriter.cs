using System.Buffers.Binary;
using System.Text;

namespace Onceward.Conformance.Wire;

/// <summary>Bytes as Kafka's protocol lays them out.</summary>
internal sealed class WireWriter(bool flexible)
{
    private readonly List<byte> bytes = [];

    public byte[] ToArray() => bytes.ToArray();

    public WireWriter Int8(long value) => Raw([(byte)value]);

    public WireWriter Int16(long value) => Number(2, (b, v) => BinaryPrimitives.WriteInt16BigEndian(b, (short)v), value);

    public WireWriter Int32(long value) => Number(4, (b, v) => BinaryPrimitives.WriteInt32BigEndian(b, (int)v), value);

    public WireWriter Int64(long value) => Number(8, BinaryPrimitives.WriteInt64BigEndian, value);

    public WireWriter Varint(uint value)
    {
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return this;
    }

    /// <summary>A signed variable-length number, as inside records.</summary>
    public WireWriter ZigZag(long value)
    {
        var rest = (ulong)((value << 1) ^ (value >> 63));
        for (; rest >= 0x80; rest >>= 7)
            bytes.Add((byte)(rest | 0x80));
        bytes.Add((byte)rest);
        return this;
    }

    public WireWriter Raw(ReadOnlySpan<byte> value)
    {
        bytes.AddRange(value);
        return this;
    }

    public WireWriter Fields(IEnumerable<Field> fields, object values, int version)
    {
        foreach (var property in values.GetType().GetProperties())
            fields.ShouldContain(f => f.Name == property.Name, $"No field '{property.Name}': the test misspelled it.");
        foreach (var field in fields.Where(f => f.In(version) && f.Tag is null))
            Value(field, values.GetType().GetProperty(field.Name)?.GetValue(values), version);
        return flexible ? Varint(0) : this;
    }

    private void Value(Field field, object? value, int version)
    {
        if (field.IsArray)
        {
            Elements(field, (System.Collections.IEnumerable?)value ?? (field.Nullable ? null : Array.Empty<object>()), version);
            return;
        }
        Primitive(field.Type, value ?? field.Default ?? Empty(field));
    }

    private static object? Empty(Field field) => field switch
    {
        { Nullable: true } => null,
        { Type: "string" } => "",
        { Type: "bytes" } => Array.Empty<byte>(),
        _ => 0,
    };

    private void Elements(Field field, System.Collections.IEnumerable? values, int version)
    {
        var all = values?.Cast<object>().ToList();
        if (flexible)
            Varint((uint)((all?.Count ?? -1) + 1));
        else
            Int32(all?.Count ?? -1);
        foreach (var element in all ?? [])
        {
            if (field.Type.Length == 0)
                Fields(field.Members, element, version);
            else
                Primitive(field.Type, element);
        }
    }

    private void Primitive(string type, object? value)
    {
        if (type is "string")
            Text((string?)value);
        else if (type is "bytes")
            Blob((byte[]?)value);
        else if (type is "uuid")
            Raw(value is Guid id ? id.ToByteArray(bigEndian: true) : new byte[16]);
        else
            Integer(type, value is Enum or bool or string ? Convert.ToInt64(value) : Convert.ToInt64(value ?? 0));
    }

    private void Integer(string type, long value) => _ = type switch
    {
        "bool" or "int8" => Int8(value),
        "int16" => Int16(value),
        "int32" => Int32(value),
        "int64" => Int64(value),
        _ => throw new InvalidOperationException($"'{type}' is no type."),
    };

    private void Text(string? value)
    {
        var encoded = value is null ? null : Encoding.UTF8.GetBytes(value);
        _ = flexible ? Varint((uint)((encoded?.Length ?? -1) + 1)) : Int16(encoded?.Length ?? -1);
        Raw(encoded);
    }

    private void Blob(byte[]? value)
    {
        _ = flexible ? Varint((uint)((value?.Length ?? -1) + 1)) : Int32(value?.Length ?? -1);
        Raw(value);
    }

    private delegate void Put(Span<byte> target, long value);

    private WireWriter Number(int size, Put put, long value)
    {
        Span<byte> target = stackalloc byte[size];
        put(target, value);
        return Raw(target);
    }
}
