using System.Collections.Frozen;
using System.Globalization;

namespace Onceward.Broker.Topics;

/// <summary>A setting's type, numbered as DescribeConfigs numbers it.</summary>
internal enum ConfigKind : sbyte
{
    Boolean = 1,
    String = 2,
    Int = 3,
    Short = 4,
    Long = 5,
    Double = 6,
    List = 7,
}

/// <summary>One setting: its name, type, default and bounds, as Apache Kafka has them.</summary>
/// <param name="Name">As operators write it.</param>
/// <param name="Kind">Its type.</param>
/// <param name="Default">What holds where nobody set it.</param>
/// <param name="Doc">One sentence for who lists it.</param>
/// <param name="Synonym">The broker-wide setting behind a topic's; null: none.</param>
/// <param name="Min">Smallest number allowed.</param>
/// <param name="OneOf">All words allowed; null: any.</param>
/// <param name="ReadOnly">Cannot be changed while the broker runs.</param>
internal sealed record ConfigKey(
    string Name, ConfigKind Kind, string? Default, string Doc, string? Synonym = null, double Min = double.MinValue, string[]? OneOf = null, bool ReadOnly = false)
{
    /// <summary>Null where the value is allowed; else why not, in a sentence.</summary>
    public string? Refuse(string? value)
    {
        if (value is null)
            return Wrong(value, "it has no value");
        return Kind switch
        {
            ConfigKind.Boolean => bool.TryParse(value, out _) ? null : Wrong(value, "expected true or false"),
            ConfigKind.Int => int.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? TooSmall(value, number) : Wrong(value, "not a number of type INT"),
            ConfigKind.Short => short.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? TooSmall(value, number) : Wrong(value, "not a number of type SHORT"),
            ConfigKind.Long => long.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? TooSmall(value, number) : Wrong(value, "not a number of type LONG"),
            ConfigKind.Double => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? TooSmall(value, number) : Wrong(value, "not a number of type DOUBLE"),
            ConfigKind.List => Words(value).FirstOrDefault(word => !Allowed(word)) is { } word ? Wrong(value, $"'{word}' is none of {string.Join(", ", OneOf!)}") : null,
            _ => Allowed(value) ? null : Wrong(value, $"expected one of {string.Join(", ", OneOf!)}"),
        };
    }

    public static string[] Words(string value) => value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private bool Allowed(string word) => OneOf is null || OneOf.Contains(word);

    private string? TooSmall(string value, double number) => number < Min ? Wrong(value, $"Value must be at least {Min}") : null;

    private string Wrong(string? value, string reason) => $"Invalid value {value} for configuration {Name}: {reason}";
}

/// <summary>All settings of one kind of resource.</summary>
internal sealed class ConfigTable(params ConfigKey[] keys)
{
    private readonly FrozenDictionary<string, ConfigKey> byName = keys.ToFrozenDictionary(key => key.Name);

    public IReadOnlyList<ConfigKey> Keys => keys;

    public ConfigKey? Find(string name) => byName.GetValueOrDefault(name);
}
