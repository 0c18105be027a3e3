using Onceward.Bench;
using Onceward.Bench.Load;
using Onceward.Bench.Parts;

if (args is [WorkerProcess.Verb, .. var worker])
{
    await WorkerProcess.ServeAsync(worker);
    return;
}
var options = BenchOptions.Parse(args);
var bench = new Bench(options, Server("ONCEWARD_BENCH_POSTGRES"), Server("ONCEWARD_BENCH_KAFKA"), []);
var machine = await Surroundings.DescribeAsync(bench.Postgres);
var sections = new List<string>();
foreach (var (name, run) in Bench.All)
{
    if (options.Parts.Count > 0 && !options.Parts.Contains(name))
        continue;
    Bench.Say($"== {name}");
    try
    {
        sections.Add(await run(bench));
    }
    // A part that fails is a line in the report, and the process's exit code; the figures of the others took long to get.
    catch (Exception e) when (e is not ArgumentException)
    {
        Console.Error.WriteLine(e);
        Environment.ExitCode = 1;
        sections.Add($"## {name}\n\nFailed: {e.Message}\n");
    }
}

var files = $"{TimeProvider.System.GetUtcNow():yyyy-MM-dd}-main-job";
var report = Report.Write(machine, $"./onceward bench {string.Join(' ', args)}".TrimEnd(), sections).Replace("($", $"({files}-", StringComparison.Ordinal);
Console.WriteLine();
Console.WriteLine(report);
if ((options.IsWhole ? Path.Combine("bench", "results") : options.Out) is { Length: > 0 } folder)
{
    folder = Path.Combine(Machine.Root, folder);
    Directory.CreateDirectory(folder);
    await File.WriteAllTextAsync(Path.Combine(folder, $"{files}.md"), report);
    foreach (var (name, svg) in bench.Plots)
        await File.WriteAllTextAsync(Path.Combine(folder, $"{files}-{name}"), svg);
    Console.WriteLine($"written to {Path.Combine(folder, files)}.md");
}

static string Server(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value
    ? value
    : throw new InvalidOperationException($"{variable} is not set: run ./onceward bench, which starts the servers.");
