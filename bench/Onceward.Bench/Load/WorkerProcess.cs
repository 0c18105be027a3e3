using System.Diagnostics;
using System.Globalization;
using Onceward.Bench.Contenders;

namespace Onceward.Bench.Load;

/// <summary>A worker in a process of its own: to be weighed, stopped or killed.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    /// <summary>The first argument of such a process.</summary>
    public const string Verb = "worker";

    private readonly Process _process;

    private WorkerProcess(Process process) => _process = process;

    /// <param name="topic">What it reads.</param>
    /// <param name="database">Where to.</param>
    /// <param name="group">Workers of the same group share the partitions.</param>
    /// <param name="batch">Most records in a transaction.</param>
    /// <param name="payloads">Whether the payloads go into the rows, or stay behind to spare the disk.</param>
    public static WorkerProcess Start(BenchTopic topic, BenchDatabase database, string group, int batch, bool payloads = true)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(WorkerProcess).Assembly.Location, Verb, topic.Servers, topic.Name, group, batch.ToString(CultureInfo.InvariantCulture), payloads.ToString()])
        {
            UseShellExecute = false, RedirectStandardInput = true,
            // Not as an argument: those are for all to see.
            Environment = { ["ONCEWARD_BENCH_POSTGRES"] = database.ConnectionString },
        };
        return new WorkerProcess(Process.Start(start)!);
    }

    /// <summary>What the process does: works until its standard input ends, which it also does when the benchmark dies.</summary>
    public static async Task ServeAsync(IReadOnlyList<string> arguments)
    {
        var batch = int.Parse(arguments[3], CultureInfo.InvariantCulture);
        var worker = bool.Parse(arguments[4]) ? OncewardWorker.SetBased(batch) : OncewardWorker.Lean(batch);
        using var host = worker.Build(arguments[0], arguments[1], Environment.GetEnvironmentVariable("ONCEWARD_BENCH_POSTGRES")!, arguments[2]);
        await host.StartAsync();
        while (await Console.In.ReadLineAsync() is not null)
        {
        }
        await host.StopAsync();
    }

    /// <summary>What the process holds of the machine's memory, in MB.</summary>
    public double ResidentMegabytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64 / 1e6;
        }
    }

    /// <summary>SIGKILL: no more word from it.</summary>
    public void Kill() => _process.Kill();

    public async Task StopAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        if (_process.ExitCode != 0)
            throw new InvalidOperationException($"A worker process ended with {_process.ExitCode}.");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
