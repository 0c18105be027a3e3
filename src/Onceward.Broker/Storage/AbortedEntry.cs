using System.Buffers.Binary;

namespace Onceward.Broker.Storage;

/// <summary>An aborted transaction: its first record, its marker, and the last stable offset after it.</summary>
internal readonly record struct AbortedEntry(long ProducerId, long FirstOffset, long LastOffset, long LastStableOffset)
{
    private const int Size = 34;

    /// <summary>As Apache Kafka's .txnindex file.</summary>
    public static byte[] Write(ReadOnlySpan<AbortedEntry> entries)
    {
        var bytes = new byte[entries.Length * Size];
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = bytes.AsSpan(i * Size);
            BinaryPrimitives.WriteInt16BigEndian(entry, 0); // Version.
            BinaryPrimitives.WriteInt64BigEndian(entry[2..], entries[i].ProducerId);
            BinaryPrimitives.WriteInt64BigEndian(entry[10..], entries[i].FirstOffset);
            BinaryPrimitives.WriteInt64BigEndian(entry[18..], entries[i].LastOffset);
            BinaryPrimitives.WriteInt64BigEndian(entry[26..], entries[i].LastStableOffset);
        }
        return bytes;
    }

    /// <summary>Null: not such a file.</summary>
    public static List<AbortedEntry>? TryRead(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % Size != 0)
            return null;
        var entries = new List<AbortedEntry>();
        for (; !bytes.IsEmpty; bytes = bytes[Size..])
        {
            var entry = new AbortedEntry(
                BinaryPrimitives.ReadInt64BigEndian(bytes[2..]),
                BinaryPrimitives.ReadInt64BigEndian(bytes[10..]),
                BinaryPrimitives.ReadInt64BigEndian(bytes[18..]),
                BinaryPrimitives.ReadInt64BigEndian(bytes[26..]));
            if (BinaryPrimitives.ReadInt16BigEndian(bytes) != 0 || entry.LastOffset <= entry.FirstOffset || entry.LastStableOffset < entry.FirstOffset)
                return null;
            entries.Add(entry);
        }
        return entries;
    }
}
