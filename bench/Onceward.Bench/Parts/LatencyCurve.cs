using System.Text;
using Onceward.Bench.Contenders;
using Onceward.Bench.Load;

namespace Onceward.Bench.Parts;

/// <summary>From the time a record was meant to be produced to the time a reader of PostgreSQL sees its row, in an open loop, at shares of the knee.</summary>
/// <remarks>
/// <para>The knee is found in the same run: the rate is raised by a fifth until it is too much for what shares the machine, producer and broker included.</para>
/// <para>Worker and hand-written loop take turns, round by round at the same load, so that what a broker still compiles or a neighbour takes meets both.</para>
/// </remarks>
internal static class LatencyCurve
{
    private const double FirstRate = 20_000, MostRate = 1_000_000, Growth = 1.2;
    private static readonly double[] s_shares = [0.25, 0.5, 0.8];
    private static readonly TimeSpan s_step = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_catchUp = TimeSpan.FromSeconds(60);
    // A backlog, or a producer, of this age at the end of a step: the rate is past the knee.
    private static readonly TimeSpan s_tooLate = TimeSpan.FromMilliseconds(250);

    public static async Task<string> RunAsync(Bench bench)
    {
        var options = bench.Options;
        await using var worker = await Stand.StartAsync(bench, "Onceward, set-based", WorkerProcess.SetBased, "", OncewardWorker.EachPosition);
        await using var loop = await Stand.StartAsync(bench, "hand-written loop", WorkerProcess.Loop, LoopLedger.Setup(options.Partitions), LoopLedger.EachPosition);
        Stand[] stands = [worker, loop];
        foreach (var stand in stands)
            await stand.HoldAsync(FirstRate, s_step);
        var knee = options.Knee ?? await FindKneeAsync(worker);
        foreach (var stand in stands)
            await stand.HoldAsync(knee / 2, s_warmUp);
        foreach (var share in s_shares)
            for (var round = 1; round <= options.LatencyRounds; round++)
                foreach (var stand in stands)
                    await stand.MeasureAsync(share, share * knee, TimeSpan.FromSeconds(options.LatencySeconds));
        foreach (var stand in stands)
            await stand.FinishAsync();
        bench.Plots["latency.svg"] = Draw(worker);
        return Section(options, knee, stands);
    }

    private static async Task<double> FindKneeAsync(Stand stand)
    {
        var (knee, failures) = (0.0, 0);
        for (var rate = FirstRate; rate < MostRate;)
        {
            var (late, lag) = await stand.HoldAsync(rate, s_step);
            Bench.Say($"knee: {rate:N0}/s, backlog {lag.TotalMilliseconds:0} ms, producer late by {late.TotalMilliseconds:0} ms");
            if (lag <= s_tooLate && late <= s_tooLate)
            {
                (knee, failures) = (rate, 0);
                rate *= Growth;
            }
            // A second chance: one hiccup of the machine is not its limit.
            else if (++failures == 2)
            {
                break;
            }
        }
        return knee > 0 ? knee : throw new InvalidOperationException($"{FirstRate:N0} records a second are too many for this machine already.");
    }

    private static string Section(BenchOptions options, double knee, IReadOnlyList<Stand> stands)
    {
        var text = new StringBuilder();
        text.AppendLine("## From produced to visible").AppendLine();
        text.AppendLine("Open loop: each record has a time at which it is meant to be sent, whatever became of the ones before; its latency is from there to the answer of the first")
            .AppendLine("query (one every 2 ms) that finds it applied. Producer (acks=all, idempotent, linger 1 ms), broker, one process that applies, and PostgreSQL share the machine.")
            .AppendLine(options.Knee is null
                ? $"The knee, the highest rate of a ladder of steps of {Growth - 1:P0} at which the worker leaves no backlog of {s_tooLate.TotalMilliseconds:0} ms: {knee:N0} records/s."
                : $"The knee was given, not looked for: {knee:N0} records/s.")
            .AppendLine($"Worker and loop (two connections) take turns: medians of {options.LatencyRounds} rounds of {options.LatencySeconds} s, with the best and the worst round.").AppendLine();
        text.AppendLine("| | load | records/s | p50, ms | p95, ms | p99, ms | p99.9, ms | most, ms | records |");
        text.AppendLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var stand in stands)
            foreach (var (share, rate, rounds) in stand.Results)
                text.AppendLine($"| {stand.Name} | {share:P0} of the knee | {rate:N0} | {Over(rounds, 0.5)} | {Over(rounds, 0.95)} | {Over(rounds, 0.99)} | {Over(rounds, 0.999)} | {rounds.Max(r => r.Max):0.0} | {rounds.Sum(r => (long)r.Count):N0} |");
        text.AppendLine().AppendLine("![Latency of the worker by percentile]($latency.svg)");
        return text.ToString();
    }

    private static string Over(IReadOnlyList<Percentiles> rounds, double percentile)
    {
        var sorted = rounds.Select(r => r.At(percentile)).Order().ToArray();
        return $"**{sorted[sorted.Length / 2]:0.0}** ({sorted[0]:0.0}–{sorted[^1]:0.0})";
    }

    private static string Draw(Stand stand)
    {
        // By the share of records that are slower: each mark is ten times rarer than the one before.
        (double, string)[] ticks = [(1, "0 %"), (10, "90 %"), (100, "99 %"), (1000, "99.9 %"), (10_000, "99.99 %")];
        double[] rarities = [.. Enumerable.Range(0, 81).Select(i => Math.Pow(10, i / 20.0))];
        var rounds = stand.Results.SelectMany(r => r.Rounds).ToArray();
        var plot = new Plot(
            "From produced to visible in PostgreSQL", new Axis("percentile, median of the rounds", ticks, IsLogarithmic: true),
            Axis.Logarithmic("ms", rounds.Min(r => r.At(0)), rounds.Max(r => r.At(0.9999))));
        foreach (var (share, rate, of) in stand.Results)
            plot.With($"{share:P0} of the knee, {rate:N0}/s", [.. rarities.Select(r => (r, of.Select(p => p.At(1 - (1 / r))).Order().ElementAt(of.Count / 2)))]);
        return plot.ToSvg();
    }

    /// <summary>A contender with topic, database, process and load of its own; idle while another has its turn.</summary>
    private sealed class Stand(string name, BenchTopic topic, BenchDatabase database, WorkerProcess process, OpenLoop load, Watcher watcher) : IAsyncDisposable
    {
        private readonly List<(double Share, double Rate, List<Percentiles> Rounds)> _results = [];

        public string Name => name;

        public IReadOnlyList<(double Share, double Rate, List<Percentiles> Rounds)> Results => _results;

        public static async Task<Stand> StartAsync(Bench bench, string name, string kind, string setup, string positions)
        {
            var topic = await BenchTopic.CreateAsync(bench.Kafka, bench.Options.Partitions, 0, bench.Options.Bytes);
            var database = await BenchDatabase.CreateAsync(bench.Postgres, setup);
            var process = WorkerProcess.Start(kind, topic, database, $"latency-{Guid.NewGuid():N}", bench.Options.Batch);
            var load = new OpenLoop(topic);
            return new Stand(name, topic, database, process, load, new Watcher(database.Source, load, topic.Partitions, positions));
        }

        /// <summary>Sends at a rate for so long, and waits until all is visible.</summary>
        /// <returns>How late the producer was, and how old the backlog, when the last record was sent.</returns>
        public async Task<(TimeSpan Late, TimeSpan Lag)> HoldAsync(double rate, TimeSpan length)
        {
            watcher.Resume();
            var late = await load.RunAsync(rate, length);
            var lag = TimeSpan.FromSeconds(watcher.Lag / rate);
            await watcher.CatchUpAsync(s_catchUp);
            await watcher.PauseAsync();
            return (late, lag);
        }

        public async Task MeasureAsync(double share, double rate, TimeSpan length)
        {
            watcher.Resume();
            await load.RunAsync(rate, s_settle);
            var latencies = watcher.Begin();
            await load.RunAsync(rate, length);
            await watcher.CatchUpAsync(s_catchUp);
            watcher.End();
            await watcher.PauseAsync();
            var round = new Percentiles(latencies);
            if (_results.Count == 0 || _results[^1].Share != share)
                _results.Add((share, rate, []));
            _results[^1].Rounds.Add(round);
            Bench.Say($"latency of {name} at {rate:N0}/s: p50 {round.At(0.5):0.0} ms, p95 {round.At(0.95):0.0} ms, p99 {round.At(0.99):0.0} ms, most {round.Max:0.0} ms");
        }

        /// <summary>Ends the process in order; every record must be there once.</summary>
        public async Task FinishAsync()
        {
            await process.StopAsync();
            await database.CheckAsync(topic with { Count = checked((int)load.Sent) });
            await topic.DeleteAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await watcher.DisposeAsync();
            load.Dispose();
            await process.DisposeAsync();
            await database.DisposeAsync();
        }
    }
}
