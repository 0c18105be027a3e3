namespace Onceward.Bench.Parts;

/// <summary>What all parts of the benchmark work with.</summary>
/// <param name="Options">The command line.</param>
/// <param name="Postgres">A superuser's connection.</param>
/// <param name="Kafka">The brokers.</param>
/// <param name="Plots">Files that go beside the report, by the end of their names.</param>
internal sealed record Bench(BenchOptions Options, string Postgres, string Kafka, Dictionary<string, string> Plots)
{
    /// <summary>The parts in the order of the report; each returns its section.</summary>
    public static IReadOnlyList<(string Name, Func<Bench, Task<string>> Run)> All { get; } =
    [
        ("throughput", Throughput.RunAsync),
        ("partitions", PartitionSweep.RunAsync),
        ("latency", LatencyCurve.RunAsync),
        ("memory", Backlog.RunAsync),
        ("recovery", Recovery.RunAsync),
    ];

    public static void Say(string line) => Console.WriteLine($"{TimeProvider.System.GetLocalNow():HH:mm:ss} {line}");
}
