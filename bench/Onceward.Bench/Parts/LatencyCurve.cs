using System.Text;
using Onceward.Bench.Contenders;
using Onceward.Bench.Load;

namespace Onceward.Bench.Parts;

/// <summary>From the time a record was meant to be produced to the time a reader of PostgreSQL sees its row, in an open loop, at shares of the knee.</summary>
/// <remarks>The knee is found in the same run: the rate is raised by a fifth until it is too much for what shares the machine, producer and broker included.</remarks>
internal static class LatencyCurve
{
    private const double FirstRate = 20_000, MostRate = 1_000_000, Growth = 1.2;
    private static readonly double[] s_shares = [0.25, 0.5, 0.8];
    private static readonly TimeSpan s_step = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_catchUp = TimeSpan.FromSeconds(60);
    // A backlog, or a producer, of this age at the end of a step: the rate is past the knee.
    private static readonly TimeSpan s_tooLate = TimeSpan.FromMilliseconds(250);

    public static async Task<string> RunAsync(Bench bench)
    {
        var worker = new Contender("Onceward, set-based", WorkerProcess.SetBased, "", OncewardWorker.EachPosition);
        var loop = new Contender("hand-written loop", WorkerProcess.Loop, LoopLedger.Setup(bench.Options.Partitions), LoopLedger.EachPosition);
        var (knee, results) = await MeasureAsync(bench, worker, bench.Options.Knee is { } given ? (_, _) => Task.FromResult((double)given) : FindKneeAsync);
        var (_, rival) = await MeasureAsync(bench, loop, (_, _) => Task.FromResult(knee));
        bench.Plots["latency.svg"] = Draw(results);
        return Section(bench.Options, knee, [.. results, .. rival]);
    }

    private static async Task<(double Knee, List<Result> Results)> MeasureAsync(Bench bench, Contender contender, Func<OpenLoop, Watcher, Task<double>> findKnee)
    {
        var options = bench.Options;
        var topic = await BenchTopic.CreateAsync(bench.Kafka, options.Partitions, 0, options.Bytes);
        await using var database = await BenchDatabase.CreateAsync(bench.Postgres, contender.Setup);
        await using var process = WorkerProcess.Start(contender.Kind, topic, database, $"latency-{Guid.NewGuid():N}", options.Batch);
        using var load = new OpenLoop(topic);
        await using var watcher = new Watcher(database.Source, load, topic.Partitions, contender.Positions);
        watcher.Start();
        await load.RunAsync(FirstRate, s_step);
        await watcher.CatchUpAsync(s_catchUp);

        var knee = await findKnee(load, watcher);
        var results = new List<Result>();
        foreach (var share in s_shares)
        {
            var rate = share * knee;
            await load.RunAsync(rate, s_settle);
            var latencies = watcher.Begin();
            await load.RunAsync(rate, TimeSpan.FromSeconds(options.LatencySeconds));
            await watcher.CatchUpAsync(s_catchUp);
            watcher.End();
            var result = new Result(contender.Name, share, rate, new Percentiles(latencies));
            results.Add(result);
            Bench.Say($"latency of {result.Name} at {rate:N0}/s: p50 {result.Latencies.At(0.5):0.0} ms, p95 {result.Latencies.At(0.95):0.0} ms, p99 {result.Latencies.At(0.99):0.0} ms, most {result.Latencies.Max:0.0} ms");
        }
        await process.StopAsync();
        await database.CheckAsync(topic with { Count = checked((int)load.Sent) });
        await topic.DeleteAsync();
        return (knee, results);
    }

    private static async Task<double> FindKneeAsync(OpenLoop load, Watcher watcher)
    {
        var (knee, failures) = (0.0, 0);
        for (var rate = FirstRate; rate < MostRate;)
        {
            var late = await load.RunAsync(rate, s_step);
            var lag = TimeSpan.FromSeconds(watcher.Lag / rate);
            await watcher.CatchUpAsync(s_catchUp);
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

    private static string Section(BenchOptions options, double knee, List<Result> results)
    {
        var text = new StringBuilder();
        text.AppendLine("## From produced to visible").AppendLine();
        text.AppendLine("Open loop: each record has a time at which it is meant to be sent, whatever became of the ones before; its latency is from there to the answer of the first")
            .AppendLine("query (one every 2 ms) that finds it applied. Producer (acks=all, idempotent, linger 1 ms), broker, one process that applies, and PostgreSQL share the machine.")
            .AppendLine(options.Knee is null
                ? $"The knee, the highest rate of a ladder of steps of {Growth - 1:P0} at which the worker leaves no backlog of {s_tooLate.TotalMilliseconds:0} ms: {knee:N0} records/s. {options.LatencySeconds} s at each load."
                : $"The knee was given, not looked for: {knee:N0} records/s. {options.LatencySeconds} s at each load.")
            .AppendLine("The loop, two connections, at the same rates: what client, servers and machine take without us.").AppendLine();
        text.AppendLine("| | load | records/s | p50, ms | p95, ms | p99, ms | p99.9, ms | most, ms | records |");
        text.AppendLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var (name, share, rate, latencies) in results)
            text.AppendLine($"| {name} | {share:P0} of the knee | {rate:N0} | {latencies.At(0.5):0.0} | **{latencies.At(0.95):0.0}** | **{latencies.At(0.99):0.0}** | {latencies.At(0.999):0.0} | {latencies.Max:0.0} | {latencies.Count:N0} |");
        text.AppendLine().AppendLine("![Latency of the worker by percentile]($latency.svg)");
        return text.ToString();
    }

    private static string Draw(List<Result> results)
    {
        // By the share of records that are slower: each mark is ten times rarer than the one before.
        (double, string)[] ticks = [(1, "0 %"), (10, "90 %"), (100, "99 %"), (1000, "99.9 %"), (10_000, "99.99 %")];
        double[] rarities = [.. Enumerable.Range(0, 81).Select(i => Math.Pow(10, i / 20.0))];
        var plot = new Plot(
            "From produced to visible in PostgreSQL", new Axis("percentile", ticks, IsLogarithmic: true),
            Axis.Logarithmic("ms", results.Min(r => r.Latencies.At(0)), results.Max(r => r.Latencies.At(0.9999))));
        foreach (var (_, share, rate, latencies) in results)
            plot.With($"{share:P0} of the knee, {rate:N0}/s", [.. rarities.Select(r => (r, latencies.At(1 - (1 / r))))]);
        return plot.ToSvg();
    }

    private sealed record Contender(string Name, string Kind, string Setup, string Positions);

    private sealed record Result(string Name, double Share, double Rate, Percentiles Latencies);
}
