using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Insurance.Grpc.Wire;

/// <summary>The five bytes before every message: a flag, then the length of what follows.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FramePrefix(byte Flag, uint Length)
{
    public const int Size = 5;
    public const byte Plain = 0;
    public const byte Compressed = 1;

    public static bool TryRead(ReadOnlySequence<byte> buffer, out FramePrefix prefix)
    {
        prefix = default;
        if (buffer.Length < Size)
            return false;
        Span<byte> bytes = stackalloc byte[Size];
        buffer.Slice(0, Size).CopyTo(bytes);
        prefix = new FramePrefix(bytes[0], BinaryPrimitives.ReadUInt32BigEndian(bytes[1..]));
        return true;
    }

    public void Write(IBufferWriter<byte> output)
    {
        var bytes = output.GetSpan(Size);
        bytes[0] = Flag;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[1..], Length);
        output.Advance(Size);
    }
}
