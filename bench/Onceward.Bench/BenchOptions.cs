using System.Globalization;

namespace Onceward.Bench;

/// <summary>What the command line asks for.</summary>
internal sealed record BenchOptions
{
    public const string Usage = """
        bench [--parts NAME,…] [OPTION VALUE]…
          --parts            throughput, partitions, latency, memory, recovery   all
          --events           records for the loops and our workers               1000000
          --ef-events        records for the Entity Framework worker             200000
          --single-events    records for one transaction a record                20000
          --bytes            size of a value, at least 16                        190
          --partitions       partitions of the topics                            12
          --batch            most records in a transaction                       1000
          --runs             counted runs; one more warms up                     5
          --only             these contenders of the throughput part             all
          --sweep            numbers of partitions                               1,12,100,1000
          --sweep-events     records for each number                             2000000
          --sweep-runs       counted runs for each number                        3
          --latency-rounds   at each load                                        5
          --latency-seconds  of each round                                       8
          --knee             records/s whose shares are the loads                looked for
          --backlog          records that wait for the worker                    10000000
          --kills            workers that are killed, and stopped                3
          --out              folder for the report of a part; the whole goes to bench/results
        """;

    public IReadOnlyList<string> Parts { get; private init; } = [];

    public int Events { get; private init; } = 1_000_000;

    public int EntityEvents { get; private init; } = 200_000;

    public int SingleEvents { get; private init; } = 20_000;

    public int Bytes { get; private init; } = 190;

    public int Partitions { get; private init; } = 12;

    /// <summary>Most records in one transaction, for all contenders but those that take one.</summary>
    public int Batch { get; private init; } = 1000;

    public int Runs { get; private init; } = 5;

    /// <summary>Contenders to run; none means all.</summary>
    public IReadOnlyList<string> Only { get; private init; } = [];

    public IReadOnlyList<int> Sweep { get; private init; } = [1, 12, 100, 1000];

    public int SweepEvents { get; private init; } = 2_000_000;

    public int SweepRuns { get; private init; } = 3;

    public int LatencyRounds { get; private init; } = 5;

    public int LatencySeconds { get; private init; } = 8;

    /// <summary>Whose shares are the loads of the latency part; <see langword="null"/>: it is looked for.</summary>
    public int? Knee { get; private init; }

    public int Backlog { get; private init; } = 10_000_000;

    public int Kills { get; private init; } = 3;

    public string? Out { get; private init; }

    /// <summary>Whether nothing was left out, so that the report is the one to keep.</summary>
    public bool IsWhole => Parts.Count == 0 && Only.Count == 0 && Out is null;

    public static BenchOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new BenchOptions();
        for (var i = 0; i < arguments.Count; i += 2)
        {
            if (i + 1 == arguments.Count)
                throw new ArgumentException($"'{arguments[i]}' wants a value.\n{Usage}", nameof(arguments));
            var value = arguments[i + 1];
            options = arguments[i] switch
            {
                "--parts" => options with { Parts = [.. value.Split(',').Select(Part)] },
                "--events" => options with { Events = Positive(value) },
                "--ef-events" => options with { EntityEvents = Positive(value) },
                "--single-events" => options with { SingleEvents = Positive(value) },
                "--bytes" => options with { Bytes = Math.Max(Event.HeaderBytes, Positive(value)) },
                "--partitions" => options with { Partitions = Positive(value) },
                "--batch" => options with { Batch = Positive(value) },
                "--runs" => options with { Runs = Positive(value) },
                "--only" => options with { Only = value.Split(',') },
                "--sweep" => options with { Sweep = [.. value.Split(',').Select(Positive)] },
                "--sweep-events" => options with { SweepEvents = Positive(value) },
                "--sweep-runs" => options with { SweepRuns = Positive(value) },
                "--latency-rounds" => options with { LatencyRounds = Positive(value) },
                "--latency-seconds" => options with { LatencySeconds = Positive(value) },
                "--knee" => options with { Knee = Positive(value) },
                "--backlog" => options with { Backlog = Positive(value) },
                "--kills" => options with { Kills = Positive(value) },
                "--out" => options with { Out = value },
                _ => throw new ArgumentException($"'{arguments[i]}' is not an option.\n{Usage}", nameof(arguments)),
            };
        }
        return options;
    }

    private static string Part(string name) =>
        Onceward.Bench.Parts.Bench.All.Any(p => p.Name == name) ? name : throw new ArgumentException($"'{name}' is not a part.\n{Usage}", nameof(name));

    private static int Positive(string value) =>
        int.TryParse(value, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number : throw new ArgumentException($"'{value}' is not a positive number.\n{Usage}", nameof(value));
}
