using System.Diagnostics;
using System.Text;
using Npgsql;
using Onceward.Bench.Contenders;
using Onceward.Bench.Load;

namespace Onceward.Bench.Parts;

/// <summary>What a worker process holds of the memory while it works off a long backlog.</summary>
internal static class Backlog
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_deadline = TimeSpan.FromMinutes(10);

    public static async Task<string> RunAsync(Bench bench)
    {
        var options = bench.Options;
        var watch = Stopwatch.StartNew();
        var topic = await BenchTopic.CreateAsync(bench.Kafka, options.Partitions, options.Backlog, options.Bytes);
        Bench.Say($"memory: {topic.Count:N0} records produced in {watch.Elapsed.TotalSeconds:0} s");
        await using var database = await BenchDatabase.CreateAsync(bench.Postgres, "");
        List<(double Seconds, double Megabytes, long Applied)> samples;
        await using (var worker = WorkerProcess.Start(WorkerProcess.Lean, topic, database, $"backlog-{Guid.NewGuid():N}", options.Batch))
        {
            samples = await SampleAsync(worker, topic, database.Source);
            await worker.StopAsync();
        }
        await CheckAsync(database.Source, topic);
        await topic.DeleteAsync();

        bench.Plots["memory.svg"] = new Plot(
            $"Resident memory of a worker, {topic.Count:N0} records waiting", Axis.Linear("records applied, millions", topic.Count / 1e6), Axis.Linear("MB", samples.Max(s => s.Megabytes)))
            .With("", [.. samples.Select(s => (s.Applied / 1e6, s.Megabytes))]).ToSvg();
        return Section(topic, samples);
    }

    private static async Task<List<(double Seconds, double Megabytes, long Applied)>> SampleAsync(WorkerProcess worker, BenchTopic topic, NpgsqlDataSource source)
    {
        var samples = new List<(double, double, long)>();
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < s_deadline; await Task.Delay(s_look))
        {
            var applied = await Run.CommittedAsync(source, OncewardWorker.LedgerProgress);
            samples.Add((watch.Elapsed.TotalSeconds, worker.ResidentMegabytes, applied));
            if (applied >= topic.Count)
                return samples;
        }
        throw new TimeoutException($"The backlog of {topic.Count:N0} was not worked off in {s_deadline.TotalMinutes} minutes.");
    }

    /// <summary>Without sorting ten million rows: of each partition as many rows as records, none beyond the last, and the right sums.</summary>
    private static async Task CheckAsync(NpgsqlDataSource source, BenchTopic topic)
    {
        await using var command = source.CreateCommand("""
            SELECT count(*) FILTER (WHERE rows <> last + 1 OR offsets <> last::numeric * (last + 1) / 2), sum(rows)::bigint, sum(amounts)::bigint
              FROM (SELECT count(*) AS rows, max("offset") AS last, sum("offset") AS offsets, sum(amount) AS amounts FROM effect GROUP BY partition) AS p
            """);
        command.CommandTimeout = 120;
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        if ((reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2)) != (0, topic.Count, Event.AmountOfAll(topic.Count)))
            throw new InvalidOperationException($"Not exactly once: {reader.GetInt64(0)} partitions are wrong, and there are {reader.GetInt64(1):N0} rows for {topic.Count:N0} records.");
    }

    private static string Section(BenchTopic topic, List<(double Seconds, double Megabytes, long Applied)> samples)
    {
        var working = samples.Where(s => s.Applied > 0).ToArray();
        var rate = (topic.Count - working[0].Applied) / (working[^1].Seconds - working[0].Seconds);
        var text = new StringBuilder();
        text.AppendLine("## Memory under a backlog").AppendLine();
        text.AppendLine($"{topic.Count:N0} records of {topic.ValueBytes} bytes wait on {topic.Partitions} partitions; one set-based worker process works them off,")
            .AppendLine($"{rate:N0} a second; its rows leave the payloads out, to spare the disk. Resident memory of the process:").AppendLine();
        text.AppendLine("| applied | MB |").AppendLine("|---:|---:|");
        foreach (var share in (double[])[0.1, 0.25, 0.5, 0.75, 1])
            text.AppendLine($"| {share:P0} | {working.First(s => s.Applied >= share * topic.Count).Megabytes:N0} |");
        text.AppendLine($"| most at any time | **{samples.Max(s => s.Megabytes):N0}** |");
        text.AppendLine().AppendLine("![Resident memory over the records applied]($memory.svg)");
        return text.ToString();
    }
}
