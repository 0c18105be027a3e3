using System.Diagnostics;
using Npgsql;

namespace Onceward.Faults.Stage;

/// <summary>A place for a worker or a relay: the process in it may be killed, frozen and started again.</summary>
/// <remarks>
/// Its way to PostgreSQL is a proxy of its own. Each start has its own application name, so that the audit of offsets tells one process in the place
/// from the next.
/// </remarks>
internal sealed class Child : IAsyncDisposable
{
    private readonly WorkerPlan _plan;
    private readonly RunOptions _options;
    private readonly Tally _tally;
    private readonly Lock _lock = new();
    private Process? _process;
    private StreamWriter? _log;
    private bool _isEnding;
    private int _starts;

    public Child(WorkerPlan plan, RunOptions options, Tally tally, List<string> unexpected)
    {
        (_plan, _options, _tally, Unexpected) = (plan, options, tally, unexpected);
        Postgres = new FaultProxy(new NpgsqlConnectionStringBuilder(options.Postgres).Port, _ => plan.Name);
    }

    public string Name => _plan.Name;

    public bool IsRelay => _plan.RunsRelay;

    /// <summary>The way of this place to PostgreSQL.</summary>
    public FaultProxy Postgres { get; }

    public bool IsFrozen { get; private set; }

    /// <summary>Whether a fault is at work here, so that others look elsewhere.</summary>
    public bool IsTaken { get; set; }

    /// <summary>The process in this place, if one runs.</summary>
    public int? Pid => _process is { HasExited: false } process ? process.Id : null;

    /// <summary>What PostgreSQL calls its sessions.</summary>
    public string Session => $"{Name}.{_starts}";

    private List<string> Unexpected { get; }

    public void Start()
    {
        lock (_lock)
        {
            _starts++;
            var start = new ProcessStartInfo("dotnet", [_options.Worker])
            {
                RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
            };
            // Three of them and the servers share a small machine.
            start.Environment["DOTNET_gcServer"] = "0";
            start.Environment["DOTNET_TieredPGO"] = "0";
            var database = new NpgsqlConnectionStringBuilder(_plan.Database)
            {
                Host = "127.0.0.1", Port = Postgres.Port, ApplicationName = Session, SslMode = SslMode.Disable, Timeout = 5, MaxPoolSize = 20,
            };
            (_plan with { Database = database.ConnectionString }).AddTo(start.Environment);
            _log ??= new StreamWriter(Path.Combine(_options.State, "logs", $"{Name}.log"), append: false) { AutoFlush = true };
            (_process, _isEnding, IsFrozen) = (Process.Start(start)!, false, false);
            PidFiles.Record(_options.State, Name, _process.Id);
            Watch(_process, Session);
        }
    }

    /// <summary>SIGKILL. Returns whether there was somebody to kill.</summary>
    public bool Kill() => End(Signals.Kill);

    /// <summary>SIGTERM: the process finishes what is open and leaves.</summary>
    public bool Leave() => End(Signals.Terminate);

    public bool Freeze() => IsFrozen = Pid is { } pid && Signals.TrySend(pid, Signals.Stop);

    public void Thaw()
    {
        if (Pid is { } pid)
            Signals.TrySend(pid, Signals.Continue);
        IsFrozen = false;
    }

    public async Task EndedAsync(TimeSpan limit)
    {
        if (_process is not { } process)
            return;
        using var patience = new CancellationTokenSource(limit);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Thaw();
        Kill();
        await EndedAsync(TimeSpan.FromSeconds(10));
        PidFiles.Forget(_options.State, Name);
        await Postgres.DisposeAsync();
        _process?.Dispose();
        lock (_tally)
        {
            _log?.Dispose();
            _log = null;
        }
    }

    private bool End(int signal)
    {
        lock (_lock)
        {
            if (Pid is not { } pid)
                return false;
            _isEnding = true;
            return Signals.TrySend(pid, signal);
        }
    }

    private void Watch(Process process, string session)
    {
        process.OutputDataReceived += (_, line) => Read(line.Data);
        process.ErrorDataReceived += (_, line) => Read(line.Data);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) =>
        {
            lock (_lock)
            {
                if (_isEnding || _process != process)
                    return;
                lock (Unexpected)
                    Unexpected.Add($"{session} ended by itself with exit code {process.ExitCode}; see logs/{Name}.log");
            }
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    private void Read(string? line)
    {
        if (line is null || _tally.Take(line))
            return;
        lock (_tally)
            _log?.WriteLine(line);
    }
}
