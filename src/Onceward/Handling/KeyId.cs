using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Onceward.Handling;

/// <summary>
/// What a record is parked under: a digest of its key, of the same length however long the key is. A record without a key has no order to
/// keep, so it is a unit of its own, under its place in the log.
/// </summary>
internal readonly record struct KeyId(UInt128 High, UInt128 Low)
{
    private const byte Keyless = 0;
    private const byte Keyed = 1;

    // Ordinary keys are copied on the stack.
    private const int StackBytes = 256;

    public static KeyId Of(Record record)
    {
        if (record.Message.Key is { } key)
            return Digest(Keyed, key);
        Span<byte> place = stackalloc byte[sizeof(int) + sizeof(long)];
        BinaryPrimitives.WriteInt32BigEndian(place, record.Partition.Value);
        BinaryPrimitives.WriteInt64BigEndian(place[sizeof(int)..], record.Offset.Value);
        return Digest(Keyless, place);
    }

    public static KeyId From(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]));

    public byte[] ToBytes()
    {
        var bytes = new byte[32];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt128BigEndian(bytes.AsSpan(16), Low);
        return bytes;
    }

    // The schema says the same in SQL: sha256('\x01' || key).
    private static KeyId Digest(byte kind, ReadOnlySpan<byte> content)
    {
        Span<byte> input = content.Length < StackBytes ? stackalloc byte[StackBytes] : new byte[content.Length + 1];
        input = input[..(content.Length + 1)];
        input[0] = kind;
        content.CopyTo(input[1..]);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(input, digest);
        return From(digest);
    }
}
