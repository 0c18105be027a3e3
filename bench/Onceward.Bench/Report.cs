using System.Globalization;
using System.Text;

namespace Onceward.Bench;

/// <summary>The table, as it is committed.</summary>
internal static class Report
{
    public static string Write(IReadOnlyList<(string What, string Value)> machine, string command, IReadOnlyList<string> sections)
    {
        var text = new StringBuilder();
        text.AppendLine("# The main job: Kafka into PostgreSQL, exactly once").AppendLine();
        foreach (var (what, value) in machine)
            text.AppendLine($"- {what}: {value}");
        text.AppendLine($"- Command: `{command}`");
        foreach (var section in sections)
            text.AppendLine().Append(section);
        return text.ToString();
    }

    public static string Throughput(BenchOptions options, IReadOnlyList<Result> results)
    {
        var baseline = results.Where(r => r.IsBaseline).MaxBy(r => r.Median(x => x.SteadyRate));
        var text = new StringBuilder();
        text.AppendLine("## Throughput").AppendLine();
        text.AppendLine($"Values of {options.Bytes} bytes on {options.Partitions} partitions, at most {options.Batch} records in a transaction. All contenders in one run,")
            .AppendLine($"taking turns, {options.Runs} counted runs each after one that warms up; every run in a new database, and checked: each record once, no sum off.").AppendLine();
        text.AppendLine("| contender | records | rows/s, steady: median (min–max) | ratio to the loop | rows/s, from start | first commit after, s | client CPU, µs/record | allocated, B/record | records in a transaction |");
        text.AppendLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var result in results)
        {
            var ratio = baseline is null ? "" : Ratio(result.Median(r => r.SteadyRate) / baseline.Median(r => r.SteadyRate));
            text.AppendLine(
                $"| {result.Description} | {result.Records:N0} | **{result.Median(r => r.SteadyRate):N0}** ({result.Runs.Min(r => r.SteadyRate):N0}–{result.Runs.Max(r => r.SteadyRate):N0}) "
                + $"| {(ReferenceEquals(result, baseline) ? "1 (baseline)" : ratio)} | {result.Median(r => r.TotalRate):N0} | {result.Median(r => r.StartSeconds):0.0} "
                + $"| {result.Median(r => r.CpuMicroseconds):0.0} | {result.Median(r => r.AllocatedBytes):N0} | {result.Median(r => r.BatchSize):N0} |");
        }
        text.AppendLine();
        text.AppendLine("*Steady* is from the first commit seen to the last; *from start* also has the start of the consumer, which for a worker is joining a group and")
            .AppendLine("installing the ledger, for a hand-written loop nothing: it is assigned by hand. Ratios are of the steady rates, to the faster of the loops.");
        return text.ToString();
    }

    private static string Ratio(double ratio) => ratio.ToString(ratio < 0.1 ? "0.000" : "0.00", CultureInfo.InvariantCulture);
}

/// <summary>The counted runs of one contender.</summary>
internal sealed record Result(string Name, string Description, bool IsBaseline, int Records, List<Run> Runs)
{
    public double Median(Func<Run, double> value)
    {
        var sorted = Runs.Select(value).Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
