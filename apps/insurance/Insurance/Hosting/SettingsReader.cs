using System.Globalization;
using System.Net;

namespace Insurance.Hosting;

/// <summary>Reads settings and gathers everything that is wrong with them, so that one start tells it all.</summary>
/// <remarks>A blank value counts as none. After an error the value returned is a stand-in, never to be used.</remarks>
internal sealed class SettingsReader(IConfiguration configuration)
{
    // Several parts may read the same setting: what is wrong with it is said once.
    private readonly OrderedDictionary<string, string> _errors = new(StringComparer.Ordinal);

    public IEnumerable<string> Errors => _errors.Select(error => $"{error.Key} {error.Value}");

    public bool IsValid => _errors.Count == 0;

    public bool IsRefused(string name) => _errors.ContainsKey(name);

    public string? Optional(string name) => configuration[name] is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;

    public string Required(string name, string meaning)
    {
        if (Optional(name) is { } value)
            return value;
        Refuse(name, $"is not set: {meaning}.");
        return "";
    }

    /// <summary>One of the values a setting may have, found without regard to case.</summary>
    public string Choice(string name, string fallback, params ReadOnlySpan<string> choices)
    {
        var value = Optional(name) ?? fallback;
        foreach (var choice in choices)
        {
            if (choice.Equals(value, StringComparison.OrdinalIgnoreCase))
                return choice;
        }

        Refuse(name, $"is '{value}'; it may be {string.Join(", ", choices)}.");
        return fallback;
    }

    public int Number(string name, int fallback, int from, int to)
    {
        if (Optional(name) is not { } text)
            return fallback;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= from && value <= to)
            return value;
        Refuse(name, $"is '{text}'; it must be a number from {from} to {to}.");
        return fallback;
    }

    public IPAddress Address(string name, IPAddress fallback)
    {
        if (Optional(name) is not { } text)
            return fallback;
        if (IPAddress.TryParse(text, out var address))
            return address;
        Refuse(name, $"is '{text}'; it must be an IP address to listen on, such as 0.0.0.0.");
        return fallback;
    }

    public void Refuse(string name, string reason) => _errors.TryAdd(name, reason);
}
