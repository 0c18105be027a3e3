namespace Onceward.Broker.Bench;

/// <summary>What the command line asks for.</summary>
internal sealed record BenchOptions
{
    public const string Usage = """
        broker-bench [--records N] [--runs N] [--only NAME,…]
          --records  records of 100 bytes in a throughput run   1000000
          --runs     counted runs; one more warms up            5
          --only     these brokers, and no report file: embedded, kafka, mock
        broker-bench scale
          the start of the embedded broker in a process that is warm, and what 10,000 partitions cost it
        """;

    public int Records { get; private init; } = 1_000_000;

    public int Runs { get; private init; } = 5;

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
                "--records" => options with { Records = Positive(value) },
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
