using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Onceward.TestSupport;

namespace Onceward.Crash;

/// <summary>A worker in a process of its own, and the signals to end or freeze it.</summary>
internal sealed partial class ChildWorker : IAsyncDisposable
{
    private const int SigKill = 9, SigCont = 18, SigStop = 19;

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private volatile bool _reached;

    private ChildWorker(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Read(line.Data);
        process.ErrorDataReceived += (_, line) => Read(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Everything the child has written.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    public bool HasExited => _process.HasExited;

    /// <summary>Whether it stands at its waypoint.</summary>
    public bool HasReached => _reached;

    public static ChildWorker Start(CrashPlan plan)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Onceward.Crash.Worker.dll")])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        plan.AddTo(start.Environment);
        return new ChildWorker(Process.Start(start)!);
    }

    /// <summary>Waits until the child stands at its waypoint.</summary>
    public Task ReachesAsync() => Eventually.HoldsAsync(
        $"the child reaches its waypoint; it wrote:\n{Output}", () => _reached || (_process.HasExited ? throw new InvalidOperationException(Output) : false), seconds: 120);

    /// <summary>Lets a child that stands at its waypoint go on.</summary>
    public void Continue() => _process.StandardInput.WriteLine();

    public void Kill() => Signal(SigKill);

    public void Freeze() => Signal(SigStop);

    public void Thaw() => Signal(SigCont);

    public async ValueTask DisposeAsync()
    {
        // One that was killed may be gone between the question and the signal.
        foreach (var signal in (int[])[SigCont, SigKill])
            if (!_process.HasExited)
                _ = SendSignal(_process.Id, signal);
        await _process.WaitForExitAsync();
        if (Environment.GetEnvironmentVariable("ONCEWARD_TEST_LOG") is not null)
            Console.WriteLine($"--- child {_process.Id}\n{Output}");
        _process.Dispose();
    }

    private void Read(string? line)
    {
        if (line == CrashPlan.ReachedLine)
            _reached = true;
        lock (_output)
            _output.AppendLine(line);
    }

    private void Signal(int signal)
    {
        if (SendSignal(_process.Id, signal) != 0)
            throw new InvalidOperationException($"Signal {signal} to {_process.Id} failed with errno {Marshal.GetLastPInvokeError()}.");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);
}
