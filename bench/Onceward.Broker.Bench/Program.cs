using Onceward.Broker.Bench;

if (args is [MockCluster.Verb, var file])
{
    await MockCluster.ServeAsync(file);
    return;
}
if (args is [Scale.Verb])
{
    await Scale.RunAsync($"./onceward bench broker {Scale.Verb}");
    return;
}
var options = BenchOptions.Parse(args);
var backends = Backend.All.Where(backend => options.Only.Count == 0 || options.Only.Contains(backend.Name)).ToArray();
if (backends.Any(backend => backend.Name == "kafka") && Backend.KafkaHome.Length == 0)
    throw new InvalidOperationException("KAFKA_HOME is not set: an unpacked Apache Kafka is the measure here. Or leave it out with --only.");

var results = backends.ToDictionary(backend => backend, _ => new Figures());
for (var run = 0; run <= options.Runs; run++)
{
    // Taking turns, each alone on the machine: what disturbs one run disturbs its neighbour too.
    foreach (var backend in backends)
    {
        var figures = await Measurement.TakeAsync(backend, options.Records);
        Console.WriteLine($"run {run} {backend.Name,-9} {figures}{(run == 0 ? " (warm-up)" : "")}");
        if (run > 0)
            results[backend].Add(figures);
    }
}
var report = Report.Write(results, options, $"./onceward bench broker {string.Join(' ', args)}".TrimEnd());
Console.WriteLine();
Console.WriteLine(report);
if (options.Only.Count == 0)
{
    var path = Path.Combine("bench", "results", $"{TimeProvider.System.GetUtcNow():yyyy-MM-dd}-broker.md");
    await File.WriteAllTextAsync(Path.Combine(Onceward.Bench.Machine.Root, path), report);
    Console.WriteLine($"written to {path}");
}
