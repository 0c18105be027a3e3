using System.Buffers.Binary;

namespace Onceward.Broker.Tests.Protocol;

/// <summary>Makes a frame wrong in one to three ways.</summary>
internal static class Mutation
{
    private static readonly int[] Lengths = [int.MaxValue, int.MinValue, -1, -2, 0x7fff, 0x00ffffff, 100_000_000, 1_000, 0];

    public static byte[] Of(byte[] frame, Random random)
    {
        for (var left = random.Next(1, 4); left > 0; left--)
            frame = Once(frame, random);
        return frame;
    }

    /// <summary>What stands before the frame: mostly its length.</summary>
    public static int LengthOf(byte[] frame, Random random, out bool isTrue)
    {
        isTrue = random.Next(50) > 0;
        return isTrue ? frame.Length : Lengths[random.Next(Lengths.Length)];
    }

    private static byte[] Once(byte[] frame, Random random)
    {
        if (frame.Length < 10)
            return frame;
        var place = random.Next(frame.Length);
        switch (random.Next(7))
        {
            case 0: // A bit.
                frame[place] ^= (byte)(1 << random.Next(8));
                return frame;
            case 1: // A byte.
                frame[place] = (byte)random.Next(256);
                return frame;
            case 2: // Cut off.
                return frame[..place];
            case 3: // More than it should be.
                return [.. frame, .. frame[place..]];
            case 4: // A length or a count of four bytes.
                if (place + sizeof(int) <= frame.Length)
                    BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(place), Lengths[random.Next(Lengths.Length)]);
                return frame;
            case 5: // A part of it twice, such as the members of an array.
                var end = random.Next(place, frame.Length);
                return [.. frame[..end], .. frame[place..end], .. frame[end..]];
            default: // A length of a compact field, in five bytes.
                return [.. frame[..place], 0xff, 0xff, 0xff, 0xff, (byte)random.Next(16), .. frame[place..]];
        }
    }
}
