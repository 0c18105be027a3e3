namespace Onceward.Broker.Log;

/// <summary>The zig-zag numbers of variable length inside records.</summary>
internal static class Varint
{
    public const int MaxSize = 10;

    public static int SizeOf(long value)
    {
        var size = 1;
        for (var rest = ZigZag(value); rest >= 0x80; rest >>= 7)
            size++;
        return size;
    }

    public static int Write(Span<byte> destination, long value)
    {
        var size = 0;
        var rest = ZigZag(value);
        for (; rest >= 0x80; rest >>= 7)
            destination[size++] = (byte)(rest | 0x80);
        destination[size++] = (byte)rest;
        return size;
    }

    /// <summary>Reads one and moves on; false: the bytes end within, or it is longer than such a number can be.</summary>
    public static bool TryRead(ref ReadOnlySpan<byte> source, out long value)
    {
        ulong raw = 0;
        for (var i = 0; i < source.Length && i < MaxSize; i++)
        {
            raw |= (ulong)(source[i] & 0x7f) << (7 * i);
            if (source[i] >= 0x80)
                continue;
            source = source[(i + 1)..];
            value = (long)(raw >> 1) ^ -(long)(raw & 1);
            return true;
        }
        value = 0;
        return false;
    }

    private static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));
}
