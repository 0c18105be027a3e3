using System.Globalization;

namespace Onceward.Broker.Storage;

/// <summary>How many files this process may have open, and who gets how many: clients never those that logs need, or a crowd of them would stop the broker.</summary>
internal static class OpenFileLimit
{
    private const int OfRuntime = 115;
    private const int LeastOfLogs = 8;
    private const int LeastClients = 16;
    private const string Limits = "/proc/self/limits";
    private const string Row = "Max open files";

    /// <summary>The process's limit; the largest number where the system has none, or does not tell.</summary>
    public static int OfProcess { get; } = Read();

    /// <summary>Half of what the runtime leaves, and no more than are of use.</summary>
    public static int OfLogs(int limit) => Math.Clamp((limit - OfRuntime) / 2, LeastOfLogs, FilePool.DefaultLimit);

    public static int OfClients(int limit) => Math.Max(limit - OfRuntime - OfLogs(limit), LeastClients);

    private static int Read()
    {
        if (!File.Exists(Limits))
            return int.MaxValue;
        var words = File.ReadLines(Limits).FirstOrDefault(static line => line.StartsWith(Row, StringComparison.Ordinal))?[Row.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words is [var soft, ..] && int.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var most) ? most : int.MaxValue;
    }
}
