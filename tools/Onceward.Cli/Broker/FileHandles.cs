using System.Globalization;

namespace Onceward.Cli.Broker;

/// <summary>Says in one line that a process may open too few files for a broker; later the runtime would fail, in words of its own.</summary>
internal static class FileHandles
{
    /// <summary>The runtime keeps about 115 files open, a partition that is used one, a client one.</summary>
    public const int Least = 256;

    private const string Limits = "/proc/self/limits";
    private const string Row = "Max open files";

    /// <summary>Null where there are enough, or where the system does not tell.</summary>
    public static string? Refuse(string[] args)
    {
        if (args is not ["broker", ..] || !File.Exists(Limits))
            return null;
        var words = File.ReadAllText(Limits).Split('\n').FirstOrDefault(line => line.StartsWith(Row, StringComparison.Ordinal))?[Row.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words is [var soft, ..] && long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var most) && most < Least
            ? $"this process may open {most} files, and a broker needs {Least} at least: raise the limit (ulimit -n)"
            : null;
    }
}
