namespace Onceward.Cli;

/// <summary>Rows under headings, as wide as their longest cell; numbers to the right.</summary>
internal sealed class TextTable(params string[] headings)
{
    private readonly List<string[]> _rows = [];

    public void Add(params object?[] cells) => _rows.Add([.. cells.Select(c => c?.ToString() ?? "-")]);

    /// <summary>The rows, or where there are none the sentence that says so.</summary>
    public void WriteTo(TextWriter output, string otherwise)
    {
        if (_rows.Count == 0)
            output.WriteLine(otherwise);
        else
            WriteTo(output);
    }

    public void WriteTo(TextWriter output)
    {
        var widths = headings.Select((h, i) => _rows.Select(r => r[i].Length).Append(h.Length).Max()).ToArray();
        foreach (var row in _rows.Prepend(headings))
        {
            var cells = row.Select((cell, i) => _rows.TrueForAll(r => IsNumber(r[i])) ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i]));
            output.WriteLine(string.Join("  ", cells).TrimEnd());
        }
    }

    private static bool IsNumber(string cell) => cell == "-" || long.TryParse(cell, out _);
}
