using System.Buffers.Text;
using System.Security.Cryptography;

namespace Onceward.Broker.Storage;

/// <summary>Ids that must never come again, neither in this life of a data directory nor in another: random, not numbered.</summary>
internal static class RandomId
{
    private const byte Dash = 62; // of the 64 letters of base64url

    /// <summary>16 bytes. As Kafka writes them it does not begin with a dash, which its tools would read as an option.</summary>
    public static Guid Next()
    {
        Span<byte> bytes = stackalloc byte[16];
        do
            RandomNumberGenerator.Fill(bytes);
        while (bytes[0] >> 2 == Dash);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>As Kafka writes its ids: in base64url, without padding.</summary>
    public static string Write(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return Base64Url.EncodeToString(bytes);
    }
}
