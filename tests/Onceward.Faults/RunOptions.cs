using System.Globalization;
using Onceward.Faults.Nemesis;

namespace Onceward.Faults;

/// <summary>A broker: the process, the port it takes clients at, and the port it tells them, where a proxy stands.</summary>
internal sealed record BrokerAddress(string Process, int Port, int AdvertisedPort);

/// <summary>What a run is to do.</summary>
internal sealed class RunOptions
{
    /// <summary>Replays the schedule.</summary>
    public int Seed { get; private set; } = 1;

    /// <summary>How long load and faults last; the drain and the check come on top.</summary>
    public TimeSpan Length { get; private set; } = TimeSpan.FromMinutes(10);

    public string Backend { get; private set; } = "embedded";

    /// <summary>A superuser's connection string.</summary>
    public string Postgres { get; private set; } = "";

    /// <summary>Where the launcher keeps pid files, logs and results.</summary>
    public string State { get; private set; } = "";

    public List<BrokerAddress> Brokers { get; } = [];

    /// <summary>The program of workers and relays.</summary>
    public string Worker { get; private set; } = Path.Combine(AppContext.BaseDirectory, "Onceward.Faults.Worker.dll");

    /// <summary>Records a second on the average; they come in bursts.</summary>
    public int Rate { get; private set; } = 2500;

    /// <summary>Records in the topic before the first worker starts.</summary>
    public int Backlog { get; private set; } = 20_000;

    /// <summary>The average time between two faults: each kind comes once in a round, so ten minutes are ten rounds and more.</summary>
    public TimeSpan Interval { get; private set; } = TimeSpan.FromSeconds(3.5);

    public IReadOnlyList<FaultKind> Kinds { get; private set; } = Enum.GetValues<FaultKind>();

    public int Workers { get; private set; } = 3;

    public int Relays { get; private set; } = 2;

    /// <summary>Within which everything must be applied and published after the last fault. Longer than a member's stay in a duel of owners.</summary>
    public TimeSpan DrainLimit { get; private set; } = TimeSpan.FromMinutes(3);

    /// <summary>Partitions that the input is grown to after a third of the run, unannounced; null: it is not grown.</summary>
    public int? GrowTo { get; private set; }

    /// <summary>How many the input has in the end.</summary>
    public int LastPartitions => GrowTo ?? Partitions;

    public const int Partitions = 12;

    public const int OutputPartitions = 6;

    public const int Keys = 600;

    public int Replicas => Brokers.Count >= 3 ? 3 : 1;

    public string Kafka => string.Join(',', Brokers.Select(b => $"127.0.0.1:{b.AdvertisedPort}"));

    /// <exception cref="FormatException">With what is wrong, for a person.</exception>
    public static RunOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new RunOptions();
        for (var i = 0; i < arguments.Count; i += 2)
        {
            if (i + 1 >= arguments.Count)
                throw new FormatException($"{arguments[i]} needs a value.");
            options.Set(arguments[i], arguments[i + 1]);
        }
        if (options.Postgres.Length == 0 || options.State.Length == 0 || options.Brokers.Count == 0)
            throw new FormatException("--postgres, --state and --broker say where the servers are; ./onceward verify faults starts them.");
        return options;
    }

    private void Set(string name, string value)
    {
        switch (name)
        {
            case "--seed": Seed = (int)Number(name, value, 0, int.MaxValue); break;
            case "--minutes": Length = TimeSpan.FromMinutes(Number(name, value, 0.1, 24 * 60)); break;
            case "--backend": Backend = value; break;
            case "--postgres": Postgres = value; break;
            case "--state": State = value; break;
            case "--broker": Brokers.Add(ParseBroker(value)); break;
            case "--worker": Worker = File.Exists(value) ? Path.GetFullPath(value) : throw new FormatException($"--worker: there is no {value}."); break;
            case "--rate": Rate = (int)Number(name, value, 1, 1_000_000); break;
            case "--backlog": Backlog = (int)Number(name, value, 0, 10_000_000); break;
            case "--interval": Interval = TimeSpan.FromSeconds(Number(name, value, 0.1, 3600)); break;
            case "--faults": Kinds = [.. value.Split(',').Select(FaultKinds.Parse)]; break;
            case "--grow-to": GrowTo = (int)Number(name, value, Partitions + 1, 1000); break;
            case "--drain": DrainLimit = TimeSpan.FromSeconds(Number(name, value, 1, 3600)); break;
            default: throw new FormatException($"verify faults does not know '{name}'.");
        }
    }

    private static BrokerAddress ParseBroker(string value) => value.Split(':') is [var process, var port, var advertised]
        ? new BrokerAddress(process, int.Parse(port), int.Parse(advertised))
        : throw new FormatException($"--broker is '{value}'; it is PROCESS:PORT:ADVERTISED.");

    private static double Number(string name, string value, double least, double most) =>
        double.TryParse(value, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number : throw new FormatException($"{name} is '{value}'; it is a number from {least} to {most}.");
}
