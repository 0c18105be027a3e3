using System.Diagnostics;
using System.Globalization;
using Onceward.Bench.Contenders;

namespace Onceward.Bench.Load;

/// <summary>A worker in a process of its own: to be weighed, stopped or killed.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    /// <summary>The first argument of such a process.</summary>
    public const string Verb = "worker";

    /// <summary>What such a process is: our worker, the same without payloads to spare the disk, or the hand-written loop.</summary>
    public const string SetBased = "set-based", Lean = "lean", Loop = "loop";

    private readonly Process _process;

    private WorkerProcess(Process process) => _process = process;

    /// <param name="kind">One of the names above.</param>
    /// <param name="topic">What it reads.</param>
    /// <param name="database">Where to.</param>
    /// <param name="group">Workers of the same group share the partitions.</param>
    /// <param name="batch">Most records in a transaction.</param>
    public static WorkerProcess Start(string kind, BenchTopic topic, BenchDatabase database, string group, int batch)
    {
        string[] numbers = [.. ((int[])[topic.Partitions, batch]).Select(n => n.ToString(CultureInfo.InvariantCulture))];
        var start = new ProcessStartInfo("dotnet", [typeof(WorkerProcess).Assembly.Location, Verb, kind, topic.Servers, topic.Name, group, .. numbers])
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
        var (partitions, batch) = (int.Parse(arguments[4], CultureInfo.InvariantCulture), int.Parse(arguments[5], CultureInfo.InvariantCulture));
        var topic = new BenchTopic(arguments[1], arguments[2], partitions, 0, 0);
        var database = Environment.GetEnvironmentVariable("ONCEWARD_BENCH_POSTGRES")!;
        using var stopping = new CancellationTokenSource();
        var working = arguments[0] switch
        {
            SetBased => OncewardWorker.SetBased(batch).RunAsync(topic, database, arguments[3], stopping.Token),
            Lean => OncewardWorker.Lean(batch).RunAsync(topic, database, arguments[3], stopping.Token),
            Loop => new HandWrittenLoop(2, batch).RunAsync(topic, database, stopping.Token),
            _ => throw new ArgumentException($"'{arguments[0]}' is not a worker.", nameof(arguments)),
        };
        while (await Console.In.ReadLineAsync() is not null)
        {
        }
        await stopping.CancelAsync();
        await working;
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
