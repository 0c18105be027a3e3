using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Onceward.Broker.Storage;

/// <summary>The file of <see cref="MetadataRecord"/>s: frames of length, checksum and JSON, appended and flushed one by one.</summary>
/// <remarks>
/// <para>Guarantee: when <see cref="Append"/> returns, the change is on disk. Not thread-safe: its owner changes one thing at a time.</para>
/// <para>Crash: a frame that was being written is the last one and not whole; it was never answered, and is cut off. A bad frame with
/// others behind it is damage, which stops the start: topics are not guessed.</para>
/// </remarks>
internal sealed class MetadataLog : IDisposable
{
    private const int HeadBytes = 8; // int32 length, uint32 CRC-32C of the JSON
    private const int MostBytesOfARecord = 1 << 24; // far above the largest settings a request can carry usefully

    private readonly string path;
    private SafeFileHandle file;
    private long end;

    private MetadataLog(string path)
    {
        this.path = path;
        file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
    }

    /// <summary>Opens or creates the file, and reads what is in it.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static MetadataLog Open(string path, out List<MetadataRecord> records)
    {
        var log = new MetadataLog(path);
        try
        {
            records = log.ReadAll();
            return log;
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    /// <exception cref="IOException">The disk is full or broken, or the record too large to be read again; nothing was recorded.</exception>
    public void Append(MetadataRecord record)
    {
        var frame = Frame(record);
        if (frame.Length - HeadBytes > MostBytesOfARecord)
            throw new IOException($"a change of {frame.Length - HeadBytes} bytes is more than the {MostBytesOfARecord} that {path} takes");
        try
        {
            RandomAccess.Write(file, frame, end);
            RandomAccess.FlushToDisk(file);
        }
        catch (IOException)
        {
            RandomAccess.SetLength(file, end);
            throw;
        }
        end += frame.Length;
    }

    /// <summary>Puts the live records in the place of the whole history, at once or not at all.</summary>
    public void Rewrite(IEnumerable<MetadataRecord> live)
    {
        var temporary = path + ".new";
        var length = 0L;
        using (var fresh = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write))
        {
            foreach (var frame in live.Select(Frame))
            {
                RandomAccess.Write(fresh, frame, length);
                length += frame.Length;
            }
            RandomAccess.FlushToDisk(fresh);
        }
        file.Dispose();
        File.Move(temporary, path, overwrite: true);
        file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        end = length;
    }

    public void Dispose() => file.Dispose();

    private static byte[] Frame(MetadataRecord record)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(record, MetadataJson.Default.MetadataRecord);
        var frame = new byte[HeadBytes + json.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, json.Length);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), Crc32C.Of(json));
        json.CopyTo(frame, HeadBytes);
        return frame;
    }

    private List<MetadataRecord> ReadAll()
    {
        var bytes = new byte[RandomAccess.GetLength(file)];
        RandomAccess.Read(file, bytes, 0);
        var records = new List<MetadataRecord>();
        var position = 0;
        while (position < bytes.Length)
        {
            var length = Whole(bytes.AsSpan(position));
            if (length < 0)
            {
                Cut(bytes, position);
                break;
            }
            records.Add(Decode(bytes.AsSpan(position + HeadBytes, length), position));
            position += HeadBytes + length;
        }
        end = position;
        return records;
    }

    /// <summary>The length of the JSON of the frame at the start; -1 where it is not whole.</summary>
    private static int Whole(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeadBytes)
            return -1;
        var length = BinaryPrimitives.ReadInt32BigEndian(bytes);
        if (length is <= 0 or > MostBytesOfARecord || length > bytes.Length - HeadBytes)
            return -1;
        return Crc32C.Of(bytes.Slice(HeadBytes, length)) == BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]) ? length : -1;
    }

    /// <summary>A frame that is not whole: the last one was being written; one with whole frames behind it was damaged later.</summary>
    private void Cut(byte[] bytes, int position)
    {
        for (var behind = position + 1; behind < bytes.Length; behind++)
        {
            if (Whole(bytes.AsSpan(behind)) >= 0)
                throw Damaged(position);
        }
        RandomAccess.SetLength(file, position);
    }

    private MetadataRecord Decode(ReadOnlySpan<byte> json, int position)
    {
        try
        {
            return JsonSerializer.Deserialize(json, MetadataJson.Default.MetadataRecord) ?? throw Damaged(position);
        }
        catch (JsonException)
        {
            throw Damaged(position);
        }
    }

    private InvalidDataException Damaged(int position) =>
        new($"{path} is damaged at byte {position}: restore it from a copy, or begin with an empty data directory");
}
