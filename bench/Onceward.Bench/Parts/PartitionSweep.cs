using System.Text;
using Onceward.Bench.Contenders;

namespace Onceward.Bench.Parts;

/// <summary>The set-based worker beside the hand-written loop, from one partition to a thousand.</summary>
internal static class PartitionSweep
{
    public static async Task<string> RunAsync(Bench bench)
    {
        var options = bench.Options;
        var worker = OncewardWorker.SetBased(options.Batch);
        var topics = new List<BenchTopic>();
        foreach (var partitions in options.Sweep)
            topics.Add(await BenchTopic.CreateAsync(bench.Kafka, partitions, options.SweepEvents, options.Bytes));
        var rows = topics.ConvertAll(t => (Topic: t,
            Loop: new Result("loop", "", true, t.Count, []), Ours: new Result("set-based", "", false, t.Count, [])));
        for (var run = 0; run <= options.SweepRuns; run++)
        {
            foreach (var (topic, loop, ours) in rows)
            {
                // Where there is one partition, there is nothing for a second connection.
                await MeasureAsync(new HandWrittenLoop(Math.Min(2, topic.Partitions), options.Batch), topic, loop);
                await MeasureAsync(worker, topic, ours);
            }

            async Task MeasureAsync(IContender contender, BenchTopic topic, Result result)
            {
                var measured = await Run.MeasureAsync(contender, topic, bench.Postgres);
                Bench.Say($"run {run} {topic.Partitions,4} partitions {contender.Name,-10} {measured}{(run == 0 ? " (warm-up)" : "")}");
                if (run > 0)
                    result.Runs.Add(measured);
            }
        }
        foreach (var topic in topics)
            await topic.DeleteAsync();
        return Section(options, rows);
    }

    private static string Section(BenchOptions options, List<(BenchTopic Topic, Result Loop, Result Ours)> rows)
    {
        var first = rows[0].Ours.Median(r => r.SteadyRate);
        var text = new StringBuilder();
        text.AppendLine("## From one partition to many").AppendLine();
        text.AppendLine($"The set-based worker and the faster loop on {options.SweepEvents:N0} records, taking turns, {options.SweepRuns} counted runs.").AppendLine();
        text.AppendLine($"| partitions | loop, rows/s, steady | Onceward, rows/s, steady: median (min–max) | ratio to the loop | ratio to {rows[0].Topic.Partitions} partition(s) | records in a transaction |");
        text.AppendLine("|---:|---:|---:|---:|---:|---:|");
        foreach (var (topic, loop, ours) in rows)
        {
            var (rate, baseline) = (ours.Median(r => r.SteadyRate), loop.Median(r => r.SteadyRate));
            text.AppendLine($"| {topic.Partitions:N0} | {baseline:N0} | **{rate:N0}** ({ours.Runs.Min(r => r.SteadyRate):N0}–{ours.Runs.Max(r => r.SteadyRate):N0}) | {rate / baseline:0.00} | {rate / first:0.00} | {ours.Median(r => r.BatchSize):N0} |");
        }
        text.AppendLine().AppendLine("One partition is one transaction at a time, for the loop as for the worker.");
        return text.ToString();
    }
}
