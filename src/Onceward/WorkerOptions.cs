using Confluent.Kafka;

namespace Onceward;

/// <summary>The settings of one worker. Bound from the configuration section <c>Onceward:Workers:&lt;name&gt;</c>.</summary>
public sealed class WorkerOptions
{
    /// <summary>How records are put into transactions.</summary>
    public LaneOptions Lanes { get; } = new();

    /// <summary>
    /// Most bytes of records held in memory ahead of the lanes. Default: 8 MiB, a dozen batches of ordinary records. More waits better in the client,
    /// outside of the collected heap: with 32 MiB every collection copied it, and a fifth of the throughput went there.
    /// </summary>
    public long MaxBufferedBytes { get; set; } = 8L * 1024 * 1024;

    /// <summary>After how much silence the group gives a member's partitions to others. Default: 10 s; bounds the gap after a kill.</summary>
    public TimeSpan SessionTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How the group gives partitions to its members. Default: <see cref="GroupProtocol.Classic"/> with cooperative-sticky assignment, which every broker
    /// speaks. With <see cref="GroupProtocol.Consumer"/> (KIP-848) the broker assigns: Apache Kafka from 4.0 on does, the embedded broker does not. Time-outs
    /// are the broker's then (<c>group.consumer.session.timeout.ms</c>, 45 s by default), and <see cref="SessionTimeout"/> is not sent. Where the broker
    /// does not know the protocol, the log says so from twice <see cref="CheckInterval"/> on; nothing is read, and nothing is lost.
    /// </summary>
    public GroupProtocol GroupProtocol { get; set; } = GroupProtocol.Classic;

    /// <summary>
    /// The name of this process among the members of the group (<c>group.instance.id</c>, KIP-345), an ordinal that survives a restart: a process that is
    /// back within <see cref="SessionTimeout"/> gets its partitions back, and the others keep theirs undisturbed. Until then nobody has them, after a
    /// planned stop too. Two processes of one name: the classic group fences the older one, whose host ends with an incident <c>instance_fenced</c>;
    /// with <see cref="GroupProtocol.Consumer"/> the newer one waits, and says so. 1 to 249 letters, digits, '.', '_' and '-'. Default: none.
    /// </summary>
    public string? InstanceName { get; set; }

    /// <summary>How long a stopping worker lets open transactions finish before it rolls them back. Default: 10 s.</summary>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long an event id is remembered where <c>DedupeBy</c> is used: longer than any client repeats one. Default: 7 days, as long as Kafka keeps
    /// records by default, from which a client could repeat them.
    /// </summary>
    public TimeSpan DedupeWindow { get; set; } = TimeSpan.FromDays(7);

    /// <summary>
    /// How long another transaction may hold the row of a partition that was assigned to us before its session is ended. A live owner holds it for the
    /// length of a COMMIT. Default: 10 s, as long as a member may be silent.
    /// </summary>
    public TimeSpan FrozenOwnerGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How often topics and ledger are looked at while running: whether the topics are still the same, whether an operator has moved an offset.
    /// Default: 5 s: two small requests, and what a topic that was created again may be read for before it is noticed.
    /// </summary>
    public TimeSpan CheckInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// After how long it is noted that records wait behind an open transaction. Default: 2 min, twice the usual transaction time-out, after which the
    /// broker ends it by itself.
    /// </summary>
    public TimeSpan HungTransactionAfter { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Whether this worker may read topics of the same name on several clusters into one ledger. Default: no; then a second cluster is refused.</summary>
    public bool SeveralClusters { get; set; }

    /// <summary>How often the applied offsets are copied to the Kafka group, for lag tools only. Default: 5 s.</summary>
    public TimeSpan MirrorInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Further settings of this worker's consumer, by librdkafka's names; those that the guarantee rests on are refused.</summary>
    public IDictionary<string, string> Consumer { get; } = new Dictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>How records are put into transactions.</summary>
public sealed class LaneOptions
{
    /// <summary>Pipelines in a worker process, each with one connection and at most one open transaction. Default: 4; independent of the partitions.</summary>
    public int Count { get; set; } = 4;

    /// <summary>Most records in one transaction. Default: 1,000: beyond it only latency grows.</summary>
    public int MaxRecords { get; set; } = 1000;

    /// <summary>Most bytes of records in one transaction. Default: 4 MiB.</summary>
    public long MaxBytes { get; set; } = 4L * 1024 * 1024;

    /// <summary>
    /// How soon after its last transaction began a lane may begin another that is far from full. Default: 5 ms: a fifth of the latency aim, and at most
    /// 200 small transactions a second in a lane. A record that comes after a pause does not wait; nor do those that came while the last ones were written.
    /// </summary>
    public TimeSpan Linger { get; set; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Bound of one statement of a batch, in the server (<c>statement_timeout</c>). Default: 30 s.</summary>
    public TimeSpan StatementTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Bound of one wait for a lock (<c>lock_timeout</c>). Default: 5 s.</summary>
    public TimeSpan LockTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>After how much silence inside a transaction the server ends a frozen owner (<c>idle_in_transaction_session_timeout</c>). Default: 30 s.</summary>
    public TimeSpan IdleInTransactionTimeout { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>Where a worker begins on a partition that the ledger does not know, when it knows no partition of the topic yet.</summary>
public enum StartAt
{
    /// <summary>At the oldest record that the broker still has.</summary>
    Earliest,

    /// <summary>At the end of the log as it is at the first claim.</summary>
    Latest,
}
