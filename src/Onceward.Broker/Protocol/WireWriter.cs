using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Onceward.Broker.Protocol;

/// <summary>
/// Writes a response's body into one pooled buffer that grows. Strings, bytes and arrays have two encodings: <see cref="Flexible"/> says
/// which, so that a message names its fields once.
/// </summary>
/// <remarks>For one response at a time. After <see cref="Dispose"/> the buffer belongs to another: nothing may still be sending it.</remarks>
internal sealed class WireWriter(short version, bool flexible, int sizeHint = 512) : IDisposable
{
    private byte[] buffer = ArrayPool<byte>.Shared.Rent(sizeHint);

    public short Version => version;

    public bool Flexible => flexible;

    public int Length { get; private set; }

    public Memory<byte> Written => buffer.AsMemory(0, Length);

    public void Int8(sbyte value) => Reserve(1)[0] = (byte)value;

    public void Bool(bool value) => Reserve(1)[0] = value ? (byte)1 : (byte)0;

    public void Int16(short value) => BinaryPrimitives.WriteInt16BigEndian(Reserve(2), value);

    public void Int32(int value) => BinaryPrimitives.WriteInt32BigEndian(Reserve(4), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64BigEndian(Reserve(8), value);

    public void Error(ErrorCode value) => Int16((short)value);

    public void Uuid(Guid value) => value.TryWriteBytes(Reserve(16), bigEndian: true, out _);

    public void UnsignedVarint(uint value)
    {
        for (; value >= 0x80; value >>= 7)
            Reserve(1)[0] = (byte)(value | 0x80);
        Reserve(1)[0] = (byte)value;
    }

    public void String(string? value)
    {
        var length = value is null ? -1 : Encoding.UTF8.GetByteCount(value);
        if (flexible)
            UnsignedVarint((uint)(length + 1));
        else
            Int16(checked((short)length));
        if (length > 0)
            Encoding.UTF8.GetBytes(value!, Reserve(length));
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        BytesLength(value.Length);
        value.CopyTo(Reserve(value.Length));
    }

    public void NullBytes() => BytesLength(-1);

    /// <summary>The length of bytes or records, which the caller then writes into <see cref="Reserve"/>.</summary>
    public void BytesLength(int length)
    {
        if (flexible)
            UnsignedVarint((uint)(length + 1));
        else
            Int32(length);
    }

    public void Array<T>(IReadOnlyCollection<T>? items, Action<WireWriter, T> write)
    {
        BytesLength(items?.Count ?? -1);
        if (items is null)
            return;
        foreach (var item in items)
            write(this, item);
    }

    public void Int32Array(IReadOnlyCollection<int>? items) => Array(items, static (writer, item) => writer.Int32(item));

    public void StringArray(IReadOnlyCollection<string>? items) => Array(items, static (writer, item) => writer.String(item));

    /// <summary>The end of a structure: no tagged fields, where the version has room for them.</summary>
    public void Tags()
    {
        if (flexible)
            UnsignedVarint(0);
    }

    /// <summary>Room for that many bytes, counted as written; valid until the next call.</summary>
    public Span<byte> Reserve(int count)
    {
        var needed = checked(Length + count);
        if (needed > buffer.Length)
            Grow(needed);
        var reserved = buffer.AsSpan(Length, count);
        Length = needed;
        return reserved;
    }

    /// <summary>Takes back what was written behind <paramref name="length"/>.</summary>
    public void Rewind(int length) => Length = length;

    public void Dispose()
    {
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
        Length = 0;
    }

    private void Grow(int needed)
    {
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Max(needed, Math.Min(2L * buffer.Length, System.Array.MaxLength)));
        buffer.AsSpan(0, Length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }
}
