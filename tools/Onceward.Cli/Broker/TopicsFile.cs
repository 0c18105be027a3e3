using System.Globalization;

namespace Onceward.Cli.Broker;

internal sealed record WantedTopic(string Name, int? Partitions, IReadOnlyDictionary<string, string> Settings);

/// <summary>Topics to create: <c>name [partitions] [key=value …]</c>, one a line; what follows a # is a remark.</summary>
internal static class TopicsFile
{
    public static IReadOnlyList<WantedTopic> Read(string path)
    {
        try
        {
            return [.. File.ReadAllLines(path)
                .Select((line, index) => Parse(line.Split('#')[0], $"{path}:{index + 1}"))
                .OfType<WantedTopic>()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"cannot read the topics file: {e.Message}", e);
        }
    }

    private static WantedTopic? Parse(string line, string place)
    {
        var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
            return null;
        int? partitions = null;
        var settings = new Dictionary<string, string>();
        foreach (var word in words.Skip(1))
        {
            if (word.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals)
                settings[word[..equals]] = word[(equals + 1)..];
            else if (partitions is null && int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                partitions = number;
            else
                throw new ToolException($"{place}: '{word}' is neither a number of partitions nor a setting of the form key=value");
        }
        return new WantedTopic(words[0], partitions, settings);
    }
}
