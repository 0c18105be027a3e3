namespace Onceward.Broker.Bench;

/// <summary>One line of the table: what it is called, how it is written, and whether more of it is better.</summary>
internal sealed record Line(string Name, string Title, string Format, bool MoreIsBetter)
{
    public static IReadOnlyList<Line> All { get; } =
    [
        new("produce", "produce, 100 B, acks=all, records/s", "N0", true),
        new("large", "produce, 1 KB, acks=all, records/s", "N0", true),
        new("idempotent", "produce, 100 B, idempotent, records/s", "N0", true),
        new("transactions", "produce, 100 B, 1,000 in a transaction, records/s", "N0", true),
        new("consume", "consume, 100 B, records/s", "N0", true),
        new("p50", "one send after the other, acks=all, µs, median", "N0", false),
        new("p99", "one send after the other, acks=all, µs, 99 %", "N0", false),
        new("start", "start of the process to its first answer, s", "0.000", false),
        new("idle", "resident memory after the start, MiB", "N0", false),
        new("loaded", "resident memory after the load, MiB", "N0", false),
    ];
}

/// <summary>Figures by line; several where several runs were added up.</summary>
internal sealed class Figures
{
    private readonly Dictionary<string, List<double>> values = [];

    public void Set(string line, double value) => values[line] = [value];

    public void Add(Figures run)
    {
        foreach (var (line, value) in run.values)
        {
            if (!values.TryGetValue(line, out var all))
                values[line] = all = [];
            all.AddRange(value);
        }
    }

    /// <summary>Null: the broker cannot do it.</summary>
    public (double Median, double Min, double Max)? Of(Line line)
    {
        if (!values.TryGetValue(line.Name, out var all))
            return null;
        var sorted = all.Order().ToArray();
        return ((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, sorted[0], sorted[^1]);
    }

    public override string ToString() =>
        string.Join(", ", Line.All.Where(line => Of(line) is not null).Select(line => $"{line.Name} {Of(line)!.Value.Median.ToString(line.Format)}"));
}
