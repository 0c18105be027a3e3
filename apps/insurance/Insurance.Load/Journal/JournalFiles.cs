using System.Text.Json;
using Insurance.Load.Generation;

namespace Insurance.Load.Journal;

/// <summary>Where journals are, and what they say.</summary>
internal static class JournalFiles
{
    private const string Extension = ".jsonl";

    public static string Directory => Environment.GetEnvironmentVariable("INSURANCE_JOURNAL_DIR") is { Length: > 0 } set
        ? set
        : Path.Combine(".onceward", "journal");

    public static string PathOf(string directory, string run) => Path.Combine(directory, run + Extension);

    /// <summary>The newest run of the directory; ids sort by their start.</summary>
    public static string Latest(string directory) => All(directory)[^1];

    /// <summary>Every run of the directory, oldest first.</summary>
    public static IReadOnlyList<string> All(string directory)
    {
        var runs = System.IO.Directory.Exists(directory)
            ? System.IO.Directory.EnumerateFiles(directory, "*" + Extension).Select(Path.GetFileNameWithoutExtension).OfType<string>()
                .Where(EventId.IsRun).Order(StringComparer.Ordinal).ToList()
            : [];
        return runs.Count > 0 ? runs : throw new ToolException($"There is no journal in {directory}: run load first, or name the directory in INSURANCE_JOURNAL_DIR.");
    }

    /// <summary>The lines of a journal, one by one; a piece of a line at the end, which a crash may leave, is dropped.</summary>
    /// <exception cref="ToolException">The journal is not there, or a line other than the last is damaged.</exception>
    public static IEnumerable<JournalLine> Read(string directory, string run)
    {
        var path = PathOf(directory, run);
        if (!EventId.IsRun(run) || !File.Exists(path))
            throw new ToolException($"There is no journal of run '{run}' in {directory}.");
        using var lines = File.ReadLines(path).GetEnumerator();
        var more = lines.MoveNext();
        for (var number = 1; more; number++)
        {
            var text = lines.Current;
            more = lines.MoveNext();
            if (Parse(text) is { } line)
                yield return line;
            else if (more)
                throw new ToolException($"Line {number} of {path} is damaged: what was acknowledged is not known, so nothing can be verified.");
        }
    }

    private static JournalLine? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, JournalJson.Default.JournalLine);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
