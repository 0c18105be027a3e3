using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Onceward.Broker.Crash;

/// <summary><c>onceward broker</c> in a process of its own, and the signal that ends it without a word.</summary>
internal sealed class BrokerChild : IAsyncDisposable
{
    private const string ReadyText = "Broker listens on";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process process;
    private readonly StringBuilder output = new();
    private readonly StringBuilder errors = new();
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private BrokerChild(Process process)
    {
        this.process = process;
        process.OutputDataReceived += (_, line) => Read(output, line.Data);
        process.ErrorDataReceived += (_, line) => Read(errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>What it has logged.</summary>
    public string Output => Text(output);

    /// <summary>What it has said of its end.</summary>
    public string Errors => Text(errors);

    public bool HasExited => process.HasExited;

    /// <summary>Files, sockets and pipes that it holds.</summary>
    public int Handles => Directory.GetFiles($"/proc/{process.Id}/fd").Length;

    public static BrokerChild Start(int port, string data, params string[] more) => Run("dotnet", [Program, .. Arguments(port, data, more)]);

    /// <summary>With the limits that a shell's <c>ulimit</c> sets.</summary>
    public static BrokerChild StartLimited(string limits, int port, string data, params string[] more) =>
        Run("/bin/sh", ["-c", $"ulimit {limits} && exec dotnet \"$0\" \"$@\"", Program, .. Arguments(port, data, more)]);

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Until it takes requests.</summary>
    public async Task ReadyAsync()
    {
        var ended = process.WaitForExitAsync();
        if (await Task.WhenAny(ready.Task, ended).WaitAsync(Patience) == ended)
            throw new InvalidOperationException($"The broker ended before it listened:\n{Output}{Errors}");
    }

    /// <summary>Until it has ended by itself; its exit status.</summary>
    public async Task<int> EndAsync()
    {
        await process.WaitForExitAsync().WaitAsync(Patience);
        return process.ExitCode;
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            await KillAsync();
        process.Dispose();
    }

    private static string Program => Path.Combine(AppContext.BaseDirectory, "Onceward.Cli.dll");

    private static string[] Arguments(int port, string data, string[] more) => ["broker", "--port", $"{port}", "--data", data, .. more];

    private static BrokerChild Run(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        return new BrokerChild(Process.Start(start)!);
    }

    private static string Text(StringBuilder lines)
    {
        lock (lines)
            return lines.ToString();
    }

    private void Read(StringBuilder lines, string? line)
    {
        if (line is null)
            return;
        lock (lines)
            lines.AppendLine(line);
        if (line.Contains(ReadyText, StringComparison.Ordinal))
            ready.TrySetResult();
    }
}
