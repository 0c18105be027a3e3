using System.Buffers.Binary;
using Onceward.Broker.Log;

namespace Onceward.Broker.Storage;

/// <summary>The producers of a partition at an offset, as Apache Kafka's .snapshot file (version 1).</summary>
/// <remarks>
/// Kafka keeps one batch of each producer. Here there is an entry for each of the last five, oldest first, so that after a restart a producer
/// that had five in flight still gets their offsets; a reader that takes one entry of a producer takes the newest.
/// </remarks>
internal static class ProducerSnapshotFile
{
    private const short Version = 1;
    private const int HeadSize = 10; // Version, checksum of what follows it, number of entries.
    private const int EntrySize = 46;
    private const int ChecksumAt = 2;
    private const int CoveredFrom = 6;

    public static byte[] Write(ProducerStates producers)
    {
        var known = producers.All.Where(state => state.Epoch >= 0).ToList();
        var count = known.Sum(state => Math.Max(1, state.BatchCount));
        var bytes = new byte[HeadSize + (count * EntrySize)];
        BinaryPrimitives.WriteInt16BigEndian(bytes, Version);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(CoveredFrom), count);
        var rest = bytes.AsSpan(HeadSize);
        foreach (var state in known)
        {
            for (var i = 0; i < Math.Max(1, state.BatchCount); i++)
            {
                WriteEntry(rest, state, state.BatchCount == 0 ? new ProducedBatch(-1, -1, -1, 0, state.LastTimestamp) : state.Batch(i));
                rest = rest[EntrySize..];
            }
        }
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(ChecksumAt), Crc32C.Of(bytes.AsSpan(CoveredFrom)));
        return bytes;
    }

    /// <summary>False: not such a file, or not whole.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, ProducerStates into, long now)
    {
        if (bytes.Length < HeadSize || BinaryPrimitives.ReadInt16BigEndian(bytes) != Version
            || BinaryPrimitives.ReadUInt32BigEndian(bytes[ChecksumAt..]) != Crc32C.Of(bytes[CoveredFrom..])
            || (bytes.Length - HeadSize) / EntrySize != BinaryPrimitives.ReadInt32BigEndian(bytes[CoveredFrom..]))
        {
            return false;
        }
        ProducerState? state = null;
        for (var rest = bytes[HeadSize..]; rest.Length >= EntrySize; rest = rest[EntrySize..])
        {
            var producerId = BinaryPrimitives.ReadInt64BigEndian(rest);
            if (state?.ProducerId != producerId)
                state = into.Restore(producerId, BinaryPrimitives.ReadInt64BigEndian(rest[38..]), now);
            ReadEntry(rest, state);
        }
        return true;
    }

    private static void WriteEntry(Span<byte> entry, ProducerState state, in ProducedBatch batch)
    {
        BinaryPrimitives.WriteInt64BigEndian(entry, state.ProducerId);
        BinaryPrimitives.WriteInt16BigEndian(entry[8..], state.Epoch);
        BinaryPrimitives.WriteInt32BigEndian(entry[10..], batch.LastSequence);
        BinaryPrimitives.WriteInt64BigEndian(entry[14..], batch.LastOffset);
        BinaryPrimitives.WriteInt32BigEndian(entry[22..], batch.OffsetDelta);
        BinaryPrimitives.WriteInt64BigEndian(entry[26..], batch.Timestamp);
        BinaryPrimitives.WriteInt32BigEndian(entry[34..], state.CoordinatorEpoch);
        BinaryPrimitives.WriteInt64BigEndian(entry[38..], state.TransactionStart);
    }

    private static void ReadEntry(ReadOnlySpan<byte> entry, ProducerState state)
    {
        state.MoveTo(BinaryPrimitives.ReadInt16BigEndian(entry[8..]));
        state.CoordinatorEpoch = BinaryPrimitives.ReadInt32BigEndian(entry[34..]);
        state.LastTimestamp = BinaryPrimitives.ReadInt64BigEndian(entry[26..]);
        var lastSequence = BinaryPrimitives.ReadInt32BigEndian(entry[10..]);
        if (lastSequence < 0)
            return;
        var delta = BinaryPrimitives.ReadInt32BigEndian(entry[22..]);
        var firstSequence = (lastSequence - delta) & int.MaxValue; // Sequence numbers wrap.
        state.Remember(new ProducedBatch(firstSequence, lastSequence, BinaryPrimitives.ReadInt64BigEndian(entry[14..]), delta, state.LastTimestamp));
    }
}
