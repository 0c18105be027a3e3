using System.Buffers.Binary;
using System.IO.Compression;

namespace Onceward.Broker.Log;

/// <summary>One record of a batch. Key and value are part of the batch's bytes.</summary>
internal readonly record struct StoredRecord(long Offset, long Timestamp, ReadOnlyMemory<byte>? Key, ReadOnlyMemory<byte>? Value);

/// <summary>One batch as it lies in the log.</summary>
internal readonly record struct StoredBatch(BatchHeader Header, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Whether this is the marker that ends a transaction, and how.</summary>
    public bool? Commits => Header.IsControl && Bytes.Length >= BatchHeader.Size && RecordReader.TryRead(this, out var records)
        && records is [{ Key: { Length: >= 4 } key }, ..]
            ? BinaryPrimitives.ReadInt16BigEndian(key.Span[2..]) == 1
            : null;
}

/// <summary>Takes batches and records apart, where the broker must know what is in them. Reading and appending records never comes here.</summary>
internal static class RecordReader
{
    private const int Gzip = 1;
    private const int MaxDecodedBytes = 64 * 1024 * 1024; // Of one batch: enough for what max.message.bytes lets in, not for a bomb.

    /// <summary>The batches of a log from its start, or from an offset, up to what is visible; read in pieces of 1 MiB at least one batch long.</summary>
    /// <exception cref="IOException">The log cannot be read.</exception>
    public static IEnumerable<StoredBatch> Batches(PartitionLog log, long? from = null)
    {
        var offset = from ?? log.StartOffset;
        while (true)
        {
            var read = log.Read(offset, 1024 * 1024, readCommitted: false, atLeastOneBatch: true);
            if (read.Error != Protocol.ErrorCode.None)
                throw new IOException($"Partition {log.Topic}-{log.Partition} cannot be read at offset {offset}: {read.Error}.");
            if (read.Records.Length == 0)
                yield break;
            var bytes = new byte[read.Records.Length];
            if (read.Records.CopyTo(bytes) < bytes.Length)
                throw new IOException($"Partition {log.Topic}-{log.Partition} ended while it was read at offset {offset}.");
            foreach (var batch in Batches(bytes))
            {
                offset = batch.Header.NextOffset;
                yield return batch;
            }
        }
    }

    /// <summary>The whole batches in the bytes; what is cut off at the end is left out.</summary>
    public static IEnumerable<StoredBatch> Batches(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length >= BatchHeader.Size)
        {
            var header = BatchHeader.Read(bytes.Span);
            if (!header.IsPlausible || header.SizeInBytes > bytes.Length)
                yield break;
            yield return new StoredBatch(header, bytes[..header.SizeInBytes]);
            bytes = bytes[header.SizeInBytes..];
        }
    }

    /// <summary>The records of a batch that is not compressed, or with gzip; false: another codec, or not well formed.</summary>
    public static bool TryRead(in StoredBatch batch, out List<StoredRecord> records)
    {
        records = [];
        if (!TryDecode(batch, out var body))
            return false;
        for (var i = 0; i < batch.Header.Count; i++)
        {
            if (!TryReadRecord(batch.Header, ref body, out var record))
                return false;
            records.Add(record);
        }
        return true;
    }

    private static bool TryDecode(in StoredBatch batch, out ReadOnlyMemory<byte> body)
    {
        body = batch.Bytes[BatchHeader.Size..];
        return batch.Header.Codec switch
        {
            0 => true,
            Gzip => TryInflate(ref body),
            _ => false,
        };
    }

    private static bool TryInflate(ref ReadOnlyMemory<byte> body)
    {
        try
        {
            using var packed = new MemoryStream(body.ToArray());
            using var gzip = new GZipStream(packed, CompressionMode.Decompress);
            using var plain = new MemoryStream();
            var piece = new byte[16 * 1024];
            for (int read; (read = gzip.Read(piece)) > 0;)
            {
                if (plain.Length + read > MaxDecodedBytes)
                    return false;
                plain.Write(piece, 0, read);
            }
            body = plain.GetBuffer().AsMemory(0, (int)plain.Length);
            return true;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static bool TryReadRecord(in BatchHeader header, ref ReadOnlyMemory<byte> body, out StoredRecord record)
    {
        record = default;
        var rest = body.Span;
        if (!Varint.TryRead(ref rest, out var size) || size < 1 || size > rest.Length)
            return false;
        var start = body.Length - rest.Length;
        var inner = body.Slice(start, (int)size);
        body = body[(start + (int)size)..];
        rest = inner.Span[1..];
        if (!Varint.TryRead(ref rest, out var timestampDelta) || !Varint.TryRead(ref rest, out var offsetDelta)
            || !TryReadBytes(inner, ref rest, out var key) || !TryReadBytes(inner, ref rest, out var value))
        {
            return false;
        }
        var timestamp = header.IsLogAppendTime ? header.MaxTimestamp : header.BaseTimestamp + timestampDelta;
        record = new StoredRecord(header.BaseOffset + offsetDelta, timestamp, key, value);
        return true;
    }

    private static bool TryReadBytes(ReadOnlyMemory<byte> record, ref ReadOnlySpan<byte> rest, out ReadOnlyMemory<byte>? bytes)
    {
        bytes = null;
        if (!Varint.TryRead(ref rest, out var length) || length > rest.Length)
            return false;
        if (length < 0)
            return true;
        bytes = record.Slice(record.Length - rest.Length, (int)length);
        rest = rest[(int)length..];
        return true;
    }
}
