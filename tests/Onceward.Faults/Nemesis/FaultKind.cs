namespace Onceward.Faults.Nemesis;

/// <summary>What is done to a running system.</summary>
internal enum FaultKind
{
    /// <summary>SIGKILL to a worker.</summary>
    WorkerKill,

    /// <summary>SIGSTOP to a worker until its session has timed out, then SIGCONT.</summary>
    WorkerFreeze,

    /// <summary>SIGKILL to the relay that runs.</summary>
    RelayKill,

    /// <summary>SIGKILL to a broker: of three, the leader of a partition or a coordinator.</summary>
    BrokerKill,

    /// <summary>SIGKILL or SIGQUIT (immediate shutdown) to PostgreSQL, which is started again at once.</summary>
    PostgresKill,

    /// <summary><c>pg_terminate_backend</c> for sessions of workers and relays.</summary>
    BackendTerminate,

    /// <summary>A process's connections to PostgreSQL are reset.</summary>
    PostgresCut,

    /// <summary>Everything between a process and PostgreSQL comes late, or stands still for a while.</summary>
    PostgresDelay,

    /// <summary>A process's connections to the brokers are reset.</summary>
    KafkaCut,

    /// <summary>Everything between a process and the brokers comes late, or stands still for a while.</summary>
    KafkaDelay,

    /// <summary>PostgreSQL executes a COMMIT; its answer is dropped with the connection.</summary>
    CommitReplyDropped,

    /// <summary>A member joins and leaves, again and again.</summary>
    RebalanceStorm,

    /// <summary>The epoch of one partition is raised under its owner, as by a rival who claims it.</summary>
    RivalClaim,

    /// <summary>Records whose handler throws, for a while or for ever.</summary>
    Poison,

    /// <summary>A record whose bytes are no message.</summary>
    Undecodable,

    /// <summary>A Kafka transaction on the input topic that stays open for a while and is aborted.</summary>
    AbortedTransaction,
}

/// <summary>Their names on the command line and in reports: <c>worker-kill</c>.</summary>
internal static class FaultKinds
{
    public static string NameOf(this FaultKind kind) =>
        string.Concat(kind.ToString().Select((c, i) => char.IsUpper(c) && i > 0 ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));

    public static FaultKind Parse(string name) =>
        Enum.GetValues<FaultKind>().Where(k => k.NameOf() == name).Cast<FaultKind?>().FirstOrDefault()
        ?? throw new FormatException($"There is no fault '{name}': {string.Join(", ", Enum.GetValues<FaultKind>().Select(k => k.NameOf()))}.");
}
