using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Confluent.Kafka;

namespace Onceward.Outbox;

/// <summary>Kafka headers as one <c>bytea</c>: they are ordered, may repeat, and their values are bytes, which no SQL map keeps.</summary>
/// <remarks>Per header: length and bytes of the name, length and bytes of the value (-1: null), all lengths int32 big endian.</remarks>
internal static class HeaderCodec
{
    public static byte[] Encode(Headers headers)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        foreach (var header in headers)
        {
            Write(buffer, Encoding.UTF8.GetBytes(header.Key));
            Write(buffer, header.GetValueBytes());
        }
        return buffer.WrittenSpan.ToArray();
    }

    public static Headers Decode(ReadOnlySpan<byte> encoded)
    {
        var headers = new Headers();
        while (!encoded.IsEmpty)
        {
            var name = Read(ref encoded) ?? throw new InvalidDataException("A header in the outbox has no name.");
            headers.Add(Encoding.UTF8.GetString(name), Read(ref encoded));
        }
        return headers;
    }

    private static void Write(ArrayBufferWriter<byte> buffer, byte[]? bytes)
    {
        BinaryPrimitives.WriteInt32BigEndian(buffer.GetSpan(4), bytes?.Length ?? -1);
        buffer.Advance(4);
        buffer.Write(bytes);
    }

    private static byte[]? Read(ref ReadOnlySpan<byte> encoded)
    {
        if (!BinaryPrimitives.TryReadInt32BigEndian(encoded, out var length))
            throw new InvalidDataException("The headers of an outbox row end inside a length.");
        encoded = encoded[4..];
        if (length < 0)
            return null;
        if (length > encoded.Length)
            throw new InvalidDataException($"A header of an outbox row has {length} bytes by its length, but {encoded.Length} are left.");
        var bytes = encoded[..length].ToArray();
        encoded = encoded[length..];
        return bytes;
    }
}
