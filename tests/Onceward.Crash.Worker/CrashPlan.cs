using Onceward.Diagnostics;

namespace Onceward.Crash;

/// <summary>What a child process is to do and where it is to stop; handed over in its environment.</summary>
internal sealed record CrashPlan(
    string Database, string Kafka, string Application, string Input, string Output, bool RunsWorker, bool RunsRelay,
    bool LocksBalances, Waypoint? StopAt, int Hit, Handling Handling = Handling.Sets)
{
    public const string ReachedLine = "reached";

    /// <summary>The shortest that a broker's default <c>group.min.session.timeout.ms</c> allows.</summary>
    public static readonly TimeSpan SessionTimeout = TimeSpan.FromSeconds(6);

    private const string Prefix = "CRASH_";

    public static CrashPlan FromEnvironment() => new(
        Get("DATABASE"), Get("KAFKA"), Get("APPLICATION"), Get("INPUT"), Get("OUTPUT"), bool.Parse(Get("WORKER")), bool.Parse(Get("RELAY")),
        bool.Parse(Get("BALANCES")),
        Get("STOP_AT") is { Length: > 0 } point ? Enum.Parse<Waypoint>(point) : null, int.Parse(Get("HIT")),
        Enum.Parse<Handling>(Get("HANDLING")));

    public void AddTo(IDictionary<string, string?> environment)
    {
        environment[Prefix + "DATABASE"] = Database;
        environment[Prefix + "KAFKA"] = Kafka;
        environment[Prefix + "APPLICATION"] = Application;
        environment[Prefix + "INPUT"] = Input;
        environment[Prefix + "OUTPUT"] = Output;
        environment[Prefix + "WORKER"] = RunsWorker.ToString();
        environment[Prefix + "RELAY"] = RunsRelay.ToString();
        environment[Prefix + "BALANCES"] = LocksBalances.ToString();
        environment[Prefix + "STOP_AT"] = StopAt?.ToString() ?? "";
        environment[Prefix + "HIT"] = Hit.ToString();
        environment[Prefix + "HANDLING"] = Handling.ToString();
    }

    private static string Get(string name) => Environment.GetEnvironmentVariable(Prefix + name) ?? "";
}

/// <summary>How the child applies records.</summary>
internal enum Handling
{
    /// <summary>Set by set.</summary>
    Sets,

    /// <summary>One by one, with staged writes.</summary>
    Records,

    /// <summary>One by one, with Entity Framework.</summary>
    Entities,

    /// <summary>One by one; an account in ten fails for as long as the table <c>blocked</c> has a row.</summary>
    Blocked,
}
