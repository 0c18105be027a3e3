using Onceward.Bench.Contenders;

namespace Onceward.Bench.Parts;

/// <summary>All contenders on one topic size, taking turns: what disturbs one run disturbs its neighbour too.</summary>
internal static class Throughput
{
    public static async Task<string> RunAsync(Bench bench)
    {
        var options = bench.Options;
        (IContender Contender, int Events)[] all =
        [
            (new HandWrittenLoop(1, options.Batch), options.Events),
            (new HandWrittenLoop(2, options.Batch), options.Events),
            (OncewardWorker.SetBased(options.Batch), options.Events),
            (OncewardWorker.PerRecord(options.Batch), options.Events),
            (OncewardWorker.Entities(options.Batch), options.EntityEvents),
            (new RecordTransactions(), options.SingleEvents),
            (new InboxTransactions(), options.SingleEvents),
        ];
        var chosen = all.Where(c => options.Only.Count == 0 || options.Only.Contains(c.Contender.Name)).ToArray();
        if (chosen.Length == 0)
            throw new ArgumentException($"--only knows {string.Join(", ", all.Select(c => c.Contender.Name))}.", nameof(bench));
        var topics = new Dictionary<int, BenchTopic>();
        foreach (var events in chosen.Select(c => c.Events).Distinct())
            topics[events] = await BenchTopic.CreateAsync(bench.Kafka, options.Partitions, events, options.Bytes);
        var results = chosen.Select(c => new Result(c.Contender.Name, c.Contender.Description, c.Contender is HandWrittenLoop, c.Events, [])).ToList();
        for (var run = 0; run <= options.Runs; run++)
        {
            for (var i = 0; i < chosen.Length; i++)
            {
                var measured = await Run.MeasureAsync(chosen[i].Contender, topics[chosen[i].Events], bench.Postgres);
                Bench.Say($"run {run} {chosen[i].Contender.Name,-10} {measured}{(run == 0 ? " (warm-up)" : "")}");
                if (run > 0)
                    results[i].Runs.Add(measured);
            }
        }
        foreach (var topic in topics.Values)
            await topic.DeleteAsync();
        return Report.Throughput(options, results);
    }
}
