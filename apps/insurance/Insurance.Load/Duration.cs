using System.CommandLine.Parsing;
using System.Globalization;

namespace Insurance.Load;

/// <summary>Durations as people write them: <c>90s</c>, <c>2m</c>, <c>500ms</c>.</summary>
internal static class Duration
{
    private static readonly (string Unit, TimeSpan Length)[] s_units =
        [("ms", TimeSpan.FromMilliseconds(1)), ("s", TimeSpan.FromSeconds(1)), ("m", TimeSpan.FromMinutes(1)), ("h", TimeSpan.FromHours(1))];

    public static TimeSpan? Parse(string text)
    {
        foreach (var (unit, length) in s_units)
            if (text.EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count)
                && count * length.TotalDays <= 365)
                return length * count;
        return null;
    }

    public static TimeSpan Parse(ArgumentResult result)
    {
        var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        if (Parse(text) is { } duration)
            return duration;
        result.AddError($"'{text}' is no duration: write 90s, 2m or 500ms.");
        return default;
    }
}
