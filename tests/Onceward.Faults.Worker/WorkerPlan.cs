using System.Globalization;

namespace Onceward.Faults;

/// <summary>What a child process is to do; handed over in its environment.</summary>
internal sealed record WorkerPlan(
    string Database, string Kafka, string Application, string Input, string Output, string DeadLetters, string Name, bool RunsWorker, bool RunsRelay,
    bool RecordByRecord, TimeSpan IdleInTransactionTimeout)
{
    /// <summary>The shortest that a broker's default <c>group.min.session.timeout.ms</c> allows.</summary>
    public static readonly TimeSpan SessionTimeout = TimeSpan.FromSeconds(6);

    /// <summary>The worker's name in the ledger and, behind the application's, its group.</summary>
    public const string Worker = "faults";

    private const string Prefix = "FAULTS_";

    public static WorkerPlan FromEnvironment() => new(
        Get("DATABASE"), Get("KAFKA"), Get("APPLICATION"), Get("INPUT"), Get("OUTPUT"), Get("DEAD_LETTERS"), Get("NAME"), bool.Parse(Get("WORKER")),
        bool.Parse(Get("RELAY")), bool.Parse(Get("RECORD_BY_RECORD")), TimeSpan.FromSeconds(double.Parse(Get("IDLE_SECONDS"), CultureInfo.InvariantCulture)));

    public void AddTo(IDictionary<string, string?> environment)
    {
        environment[Prefix + "DATABASE"] = Database;
        environment[Prefix + "KAFKA"] = Kafka;
        environment[Prefix + "APPLICATION"] = Application;
        environment[Prefix + "INPUT"] = Input;
        environment[Prefix + "OUTPUT"] = Output;
        environment[Prefix + "DEAD_LETTERS"] = DeadLetters;
        environment[Prefix + "NAME"] = Name;
        environment[Prefix + "WORKER"] = RunsWorker.ToString();
        environment[Prefix + "RELAY"] = RunsRelay.ToString();
        environment[Prefix + "RECORD_BY_RECORD"] = RecordByRecord.ToString();
        environment[Prefix + "IDLE_SECONDS"] = IdleInTransactionTimeout.TotalSeconds.ToString(CultureInfo.InvariantCulture);
    }

    private static string Get(string name) => Environment.GetEnvironmentVariable(Prefix + name) ?? "";
}
