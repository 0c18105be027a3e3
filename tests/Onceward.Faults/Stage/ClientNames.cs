using System.Buffers.Binary;
using System.Text;

namespace Onceward.Faults.Stage;

/// <summary>Whose connection it is, by the first bytes on it.</summary>
internal static class ClientNames
{
    /// <summary>The client id in the header of a Kafka request: size, API key, version, correlation id, then a string.</summary>
    public static string? OfKafka(ReadOnlyMemory<byte> first)
    {
        var bytes = first.Span;
        if (bytes.Length < 14)
            return null;
        var length = BinaryPrimitives.ReadInt16BigEndian(bytes[12..]);
        return length >= 0 && bytes.Length >= 14 + length ? Encoding.UTF8.GetString(bytes.Slice(14, length)) : null;
    }
}
