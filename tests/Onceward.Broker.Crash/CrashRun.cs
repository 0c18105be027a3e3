using System.Diagnostics;

namespace Onceward.Broker.Crash;

/// <summary>A broker that is killed again and again under load, on one folder and one port, and what is found after each start.</summary>
/// <param name="flush">The broker's flush policy.</param>
/// <param name="seed">Of the moments of the kills and of what is sent.</param>
/// <param name="say">Takes a line for each kill.</param>
internal sealed class CrashRun(string flush, int seed, Action<string> say) : IAsyncDisposable
{
    private const double KilledWhileStarting = 0.25;
    private const int LatestKill = 1_200; // ms after the load goes on
    private const int LatestKillOfStart = 500; // ms after the process began, which is about when it listens

    private readonly TemporaryDirectory directory = new();
    private readonly Random random = new(seed);
    private readonly int port = BrokerChild.FreePort();
    private readonly History history = new();
    private readonly Gate gate = new();
    private readonly List<Load> loads = [];
    private BrokerChild? broker;
    private Seen? before;

    /// <summary>The folder of the broker, for who damages it.</summary>
    public string Data => directory.File("data");

    /// <summary>So far.</summary>
    public CrashTally Tally { get; private set; } = new(flush, seed);

    /// <summary>Starts broker and load.</summary>
    public async Task StartAsync()
    {
        await File.WriteAllTextAsync(directory.File("topics"), Names.TopicsFile);
        await StartBrokerAsync();
        loads.Add(new StreamLoad(port, Names.Plain, history, gate, random.Next()));
        loads.Add(new StreamLoad(port, Names.Idempotent, history, gate, random.Next()));
        loads.Add(new OffsetLoad(port, history, gate, random.Next()));
        for (var id = 0; id < Names.TransactionalProducers; id++)
            loads.Add(new TransactionLoad(port, id, history, gate, random.Next()));
        loads.ForEach(load => load.Start());
    }

    /// <summary>Kills and starts the broker, at times more than once, and checks: at once, while the load goes on, and when all is settled.</summary>
    /// <param name="damage">Done while the broker is dead; null: nothing.</param>
    /// <returns>What is wrong.</returns>
    public async Task<List<string>> KillAsync(Action? damage = null)
    {
        gate.Open();
        await Task.Delay(random.Next(LatestKill)); // The moment of the kill, which is the point.
        await KillBrokerAsync();
        var told = history.Take();
        damage?.Invoke();
        while (random.NextDouble() < KilledWhileStarting)
        {
            broker = Launch();
            await Task.Delay(random.Next(LatestKillOfStart));
            await KillBrokerAsync();
            Tally = Tally with { KilledWhileStarting = Tally.KilledWhileStarting + 1 };
        }
        var watch = Stopwatch.StartNew();
        await StartBrokerAsync();
        var started = watch.Elapsed;
        var seen = LogReader.Read(port);
        var faults = Checker.Faults(told, seen, before, quiet: false);
        if (faults.Count == 0)
        {
            await gate.CloseAsync().WaitAsync(TimeSpan.FromMinutes(2));
            loads.ForEach(load => load.Settle());
            seen = LogReader.Read(port);
            faults = Checker.Faults(told = history.Take(), seen, before, quiet: true);
        }
        before = seen;
        Tally = Tally.With(told, seen, loads.OfType<TransactionLoad>().Sum(load => load.Renewed));
        say($"kill {Tally.Kills}: up again after {started.TotalMilliseconds:F0} ms, {told.Streams.Sum(stream => stream.Value.Length)} records in streams, {told.Attempts.Count} transactions, {faults.Count} faults");
        return faults;
    }

    public async ValueTask DisposeAsync()
    {
        gate.Open(); // A load that waits before the gate would not end.
        loads.ForEach(load => load.Dispose());
        if (broker is not null)
            await broker.DisposeAsync();
        directory.Dispose();
    }

    private BrokerChild Launch() => BrokerChild.Start(port, Data, "--topics", directory.File("topics"), "--flush", flush);

    private async Task StartBrokerAsync()
    {
        broker = Launch();
        await broker.ReadyAsync();
    }

    private async Task KillBrokerAsync()
    {
        await broker!.KillAsync();
        var cut = broker.Output.Split('\n').Count(line => line.Contains("was not closed in order", StringComparison.Ordinal));
        Tally = Tally with { Kills = Tally.Kills + 1, Cut = Tally.Cut + cut };
        await broker.DisposeAsync();
    }
}

/// <summary>What a run has done, for its report.</summary>
/// <param name="Flush">The broker's policy.</param>
/// <param name="Seed">Of the moments and of what was sent.</param>
/// <param name="Kills">All of them.</param>
/// <param name="KilledWhileStarting">Those that fell into a start.</param>
/// <param name="Cut">Logs whose tail a start has cut.</param>
internal sealed record CrashTally(string Flush, int Seed, int Kills = 0, int KilledWhileStarting = 0, int Cut = 0)
{
    private int records;
    private long repeated;
    private int committed;
    private int aborted;
    private int inDoubt;
    private long offsets;
    private int renewed;

    public CrashTally With(Told told, Seen seen, int renewed) => this with
    {
        records = told.Streams.Sum(stream => stream.Value.Count(offset => offset >= 0)),
        repeated = seen.Partitions.Where(log => log.Key.Topic == Names.Plain).Sum(log => log.Value.Entries.Count - log.Value.Entries.Select(entry => entry.Number).Distinct().LongCount()),
        committed = told.Attempts.Count(attempt => attempt.Fate == Fate.Committed),
        aborted = told.Attempts.Count(attempt => attempt.Fate == Fate.Aborted),
        inDoubt = told.Attempts.Count(attempt => attempt.Fate == Fate.InDoubt),
        offsets = told.OffsetTold,
        renewed = renewed,
    };

    public string Row() => $"| {Flush} | {Seed} | {Kills} | {KilledWhileStarting} | {Cut} | {records} | {repeated} | {committed} | {aborted} | {inDoubt} | {offsets} | {renewed} |";
}
