using System.Runtime.InteropServices;
using System.Text;
using Confluent.Kafka;
using Onceward.Bench;

namespace Onceward.Broker.Bench;

/// <summary>The table, as it is committed.</summary>
internal static class Report
{
    public static string Write(IReadOnlyDictionary<Backend, Figures> results, BenchOptions options, string command)
    {
        var text = new StringBuilder();
        text.AppendLine("# The embedded broker beside others").AppendLine();
        text.AppendLine($"One producer or consumer, one partition, {options.Records:N0} records (a fifth of that at 1 KB and in transactions), the same client and the same flush policy")
            .AppendLine($"(the operating system's) for all. The brokers take turns, {options.Runs} counted runs each after one that warms up, each run on a new process, which gets a quarter of the load first,").AppendLine("and on an empty folder;")
            .AppendLine("after each line the end of the partition is held against what was acknowledged. Medians, with the range.").AppendLine();
        text.AppendLine($"- Processor: {Machine.Cpu()}, {Environment.ProcessorCount} cores, shared by client and broker")
            .AppendLine($"- .NET: {RuntimeInformation.FrameworkDescription}, client librdkafka {Library.VersionString}")
            .AppendLine($"- Apache Kafka: {Environment.GetEnvironmentVariable("ONCEWARD_BENCH_KAFKA_VERSION") ?? "version not known"}")
            .AppendLine($"- Commit: {Machine.Commit()}")
            .AppendLine($"- Command: `{command}`").AppendLine();
        text.Append("| line |").AppendJoin('|', results.Keys.Select(backend => $" {backend.Description} ")).AppendLine("| embedded : Kafka |");
        text.Append("|---|").AppendJoin('|', results.Keys.Select(_ => "---:")).AppendLine("|---:|");
        foreach (var line in Line.All)
            text.Append($"| {line.Title} |").AppendJoin('|', results.Values.Select(figures => Cell(line, figures))).AppendLine($"| {Ratio(line, results)} |");
        text.AppendLine();
        text.AppendLine("*embedded : Kafka* is how many times as good the embedded broker is: above 1 it is faster, or needs less. The mock keeps 5 MiB of a partition and drops the rest")
            .AppendLine("without a word, so nothing is read from it; it has no admin requests, and its transactions are not compared.");
        return text.ToString();
    }

    private static string Cell(Line line, Figures figures) =>
        figures.Of(line) is { } value ? $" **{value.Median.ToString(line.Format)}** ({value.Min.ToString(line.Format)}–{value.Max.ToString(line.Format)}) " : " – ";

    private static string Ratio(Line line, IReadOnlyDictionary<Backend, Figures> results)
    {
        var ours = results.FirstOrDefault(result => result.Key.Name == "embedded").Value?.Of(line);
        var kafka = results.FirstOrDefault(result => result.Key.Name == "kafka").Value?.Of(line);
        if (ours is null || kafka is null)
            return "–";
        return $"{(line.MoreIsBetter ? ours.Value.Median / kafka.Value.Median : kafka.Value.Median / ours.Value.Median):0.00}";
    }
}
