using Onceward.Bench;
using Onceward.Bench.Contenders;

var options = BenchOptions.Parse(args);
var postgres = Server("ONCEWARD_BENCH_POSTGRES");
var kafka = Server("ONCEWARD_BENCH_KAFKA");

(IContender Contender, int Events)[] all =
[
    (new HandWrittenLoop(1, options.Batch), options.Events),
    (new HandWrittenLoop(2, options.Batch), options.Events),
    (new OncewardWorker("set-based", "Onceward, set-based handler", options.Batch, s => s.HandleBatch<long, SetBasedHandler>()), options.Events),
    (new OncewardWorker("per-record", "Onceward, per-record handler, one staged insert", options.Batch, s => s.Handle<long, PerRecordHandler>()), options.RecordEvents),
    (new RecordTransactions(), options.SingleEvents),
];
var chosen = all.Where(c => options.Only.Count == 0 || options.Only.Contains(c.Contender.Name)).ToArray();
if (chosen.Length == 0)
    throw new ArgumentException($"--only knows {string.Join(", ", all.Select(c => c.Contender.Name))}.", nameof(args));

var topics = new Dictionary<int, BenchTopic>();
foreach (var events in chosen.Select(c => c.Events).Distinct())
    topics[events] = await BenchTopic.CreateAsync(kafka, options.Partitions, events, options.Bytes);
var results = chosen.Select(c => new Result(c.Contender.Name, c.Contender.Description, c.Contender is HandWrittenLoop, c.Events, [])).ToList();
for (var run = 0; run <= options.Runs; run++)
{
    for (var i = 0; i < chosen.Length; i++)
    {
        var measured = await Run.MeasureAsync(chosen[i].Contender, topics[chosen[i].Events], postgres);
        Console.WriteLine(
            $"run {run} {chosen[i].Contender.Name,-10} {measured.SteadyRate,9:N0} rows/s steady, {measured.TotalRate,9:N0} from start, first commit {measured.StartSeconds:0.0} s, "
            + $"{measured.CpuMicroseconds:0.0} us and {measured.AllocatedBytes:N0} B a record{(run == 0 ? " (warm-up)" : "")}");
        if (run > 0)
            results[i].Runs.Add(measured);
    }
}
foreach (var topic in topics.Values)
    await topic.DeleteAsync();

var report = Report.Write(await Surroundings.DescribeAsync(postgres), $"./onceward bench {string.Join(' ', args)}".TrimEnd(), options, results);
Console.WriteLine();
Console.WriteLine(report);
if (options.Only.Count == 0)
{
    var file = $"{TimeProvider.System.GetUtcNow():yyyy-MM-dd}-main-job.md";
    Directory.CreateDirectory(Path.Combine(Machine.Root, "bench", "results"));
    await File.WriteAllTextAsync(Path.Combine(Machine.Root, "bench", "results", file), report);
    Console.WriteLine($"written to bench/results/{file}");
}

static string Server(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value
    ? value
    : throw new InvalidOperationException($"{variable} is not set: run ./onceward bench, which starts the servers.");
