using System.Globalization;
using System.Security.Cryptography;

namespace Insurance.Load.Generation;

/// <summary>Ids that say where they belong: <c>run-policy-seq</c>, so that order can be checked from the id alone.</summary>
internal static class EventId
{
    /// <summary>Sorts by start, has no dash, and differs for two runs started in one second.</summary>
    public static string NewRun(DateTimeOffset start) =>
        $"{start.UtcDateTime.ToString("yyyyMMdd'T'HHmmss", CultureInfo.InvariantCulture)}x{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(2))}";

    /// <summary>What <see cref="NewRun"/> can have made: no dash, nothing that a path or a query would read otherwise.</summary>
    public static bool IsRun(string text) => text.Length is > 0 and <= 24 && text.All(char.IsAsciiLetterOrDigit);

    public static string Policy(string run, int policy) => $"{run}-{policy}";

    public static string Event(string run, int policy, int seq) => $"{run}-{policy}-{seq}";
}
