using System.Globalization;
using System.Text;

namespace Onceward.Broker.Storage;

/// <summary>What one partition's folder can be trusted for, of the moment when it was last flushed.</summary>
/// <param name="StartOffset">Records before it were deleted.</param>
/// <param name="EndOffset">Everything before it was on disk: recovery need not look at the segments before the one that holds it.</param>
/// <param name="ActiveBase">Base offset of the last segment.</param>
/// <param name="ActiveSize">
/// Its size. Still the same, and a snapshot of the producers at <paramref name="EndOffset"/> beside it: nothing was appended since the partition
/// was closed in order, and nothing needs to be recovered. So a partition that was not written to starts at once even after a crash.
/// </param>
internal readonly record struct LogCheckpoint(long StartOffset, long EndOffset, long ActiveBase, long ActiveSize)
{
    public const string FileName = "onceward-checkpoint";

    private const string Version = "0";

    public static LogCheckpoint None => new(0, 0, -1, -1);

    public byte[] Write()
    {
        var body = $"{Version}\n{StartOffset} {EndOffset} {ActiveBase} {ActiveSize}\n";
        return Encoding.ASCII.GetBytes($"{body}{Crc32C.Of(Encoding.ASCII.GetBytes(body)):x8}\n");
    }

    /// <summary>Null: not such a file, or not whole.</summary>
    public static LogCheckpoint? TryRead(ReadOnlySpan<byte> bytes)
    {
        var lines = Encoding.ASCII.GetString(bytes).Split('\n');
        if (lines is not [Version, var numbers, var checksum, ""])
            return null;
        if (checksum != Crc32C.Of(Encoding.ASCII.GetBytes($"{Version}\n{numbers}\n")).ToString("x8", CultureInfo.InvariantCulture))
            return null;
        var values = numbers.Split(' ');
        return values.Length == 4 && long.TryParse(values[0], out var start) && long.TryParse(values[1], out var end)
            && long.TryParse(values[2], out var activeBase) && long.TryParse(values[3], out var activeSize)
            ? new LogCheckpoint(start, end, activeBase, activeSize)
            : null;
    }
}
