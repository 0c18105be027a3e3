namespace Onceward.Bench;

/// <summary>What the command line asks for.</summary>
internal sealed record BenchOptions
{
    public const string Usage = """
        bench [--events N] [--record-events N] [--single-events N] [--bytes N] [--partitions N] [--batch N] [--runs N] [--only NAME,…]
          --events         records for the loops and the set-based worker    1000000
          --record-events  records for the per-record worker                 1000000
          --single-events  records for one transaction a record              20000
          --bytes          size of a value, at least 16                      190
          --partitions     partitions of the topics                          12
          --batch          most records in a transaction                     1000
          --runs           counted runs; one more warms up                   5
          --only           these contenders, and no report file
        """;

    public int Events { get; private init; } = 1_000_000;

    public int RecordEvents { get; private init; } = 1_000_000;

    public int SingleEvents { get; private init; } = 20_000;

    public int Bytes { get; private init; } = 190;

    public int Partitions { get; private init; } = 12;

    /// <summary>Most records in one transaction, for all contenders but the one that takes one.</summary>
    public int Batch { get; private init; } = 1000;

    public int Runs { get; private init; } = 5;

    /// <summary>Contenders to run; none means all.</summary>
    public IReadOnlyList<string> Only { get; private init; } = [];

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
                "--events" => options with { Events = Positive(value) },
                "--record-events" => options with { RecordEvents = Positive(value) },
                "--single-events" => options with { SingleEvents = Positive(value) },
                "--bytes" => options with { Bytes = Math.Max(Event.HeaderBytes, Positive(value)) },
                "--partitions" => options with { Partitions = Positive(value) },
                "--batch" => options with { Batch = Positive(value) },
                "--runs" => options with { Runs = Positive(value) },
                "--only" => options with { Only = value.Split(',') },
                _ => throw new ArgumentException($"'{arguments[i]}' is not an option.\n{Usage}", nameof(arguments)),
            };
        }
        return options;
    }

    private static int Positive(string value) =>
        int.TryParse(value, out var number) && number > 0 ? number : throw new ArgumentException($"'{value}' is not a positive number.\n{Usage}", nameof(value));
}
