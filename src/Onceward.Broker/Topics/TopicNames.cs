using System.Buffers;

namespace Onceward.Broker.Topics;

/// <summary>What a topic may be called.</summary>
internal static class TopicNames
{
    private const int MostCharacters = 249; // A file name of 255, less the number of the partition.

    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    /// <summary>Null where the name is legal; else why not.</summary>
    public static string? Refuse(string name) => name switch
    {
        "" => "Topic name is invalid: the empty string is not allowed",
        "." or ".." => "Topic name is invalid: '.' or '..' is not allowed",
        { Length: > MostCharacters } => $"Topic name is invalid: the length of '{name}' is longer than the max allowed length {MostCharacters}",
        _ when name.AsSpan().ContainsAnyExcept(Allowed) =>
            $"Topic name is invalid: '{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
        _ => null,
    };

    /// <summary>Two names that differ only here would share the names of their metrics, so the second is refused.</summary>
    public static string Fold(string name) => name.Replace('.', '_');
}
