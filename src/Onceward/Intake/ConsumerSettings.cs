using Confluent.Kafka;

namespace Onceward.Intake;

/// <summary>The consumer's settings: those that the guarantee rests on are fixed, the others have defaults for this use.</summary>
internal static class ConsumerSettings
{
    // Half of the time that a planned hand-over may take, and two small requests a second for each member.
    private const double HeartbeatMs = 500;

    private static readonly HashSet<string> s_fixed = new(StringComparer.Ordinal)
    {
        "group.id", "enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset", "isolation.level", "enable.partition.eof",
        "check.crcs", "allow.auto.create.topics", "partition.assignment.strategy", "group.protocol", "group.instance.id",
        "dotnet.consumer.consume.result.fields",
    };

    // Under KIP-848 these are the broker's, and a client that has them does not start.
    private static readonly HashSet<string> s_brokers = new(StringComparer.Ordinal) { "session.timeout.ms", "heartbeat.interval.ms", "group.protocol.type" };

    public static ConsumerConfig Build(OncewardOptions shared, string worker, WorkerOptions options)
    {
        var isClassic = options.GroupProtocol is GroupProtocol.Classic;
        var refused = options.Consumer.Keys.Where(name => s_fixed.Contains(name) || (!isClassic && s_brokers.Contains(name))).ToArray();
        if (refused.Length > 0)
            throw new OncewardException(
                ErrorCodes.Configuration,
                $"Worker '{worker}' sets {string.Join(", ", refused)}: exactly once rests on Onceward's values, GroupProtocol and InstanceName are options of their own, and with GroupProtocol.Consumer the time-outs are the broker's. Remove them.");
        var config = new ConsumerConfig(new Dictionary<string, string>(shared.Client))
        {
            BootstrapServers = shared.BootstrapServers,
            GroupId = shared.GroupId(worker),
            GroupProtocol = options.GroupProtocol,
            GroupInstanceId = options.InstanceName,
            // Incremental, as KIP-848 is: a member that joins or leaves moves its own partitions only.
            PartitionAssignmentStrategy = isClassic ? PartitionAssignmentStrategy.CooperativeSticky : null,
            // What is committed is only what we store by hand, after the ledger's COMMIT: a mirror for lag tools, sent in the background.
            EnableAutoCommit = true,
            EnableAutoOffsetStore = false,
            AutoCommitIntervalMs = (int)options.MirrorInterval.TotalMilliseconds,
            // A position that the broker does not have must be an error, never a silent jump.
            AutoOffsetReset = AutoOffsetReset.Error,
            IsolationLevel = IsolationLevel.ReadCommitted,
            EnablePartitionEof = true,
            CheckCrcs = true,
            AllowAutoCreateTopics = false,
            SessionTimeoutMs = isClassic ? (int)options.SessionTimeout.TotalMilliseconds : null,
            // Only the answer to a heartbeat tells a member that partitions are to be had: this is the better part of a hand-over.
            HeartbeatIntervalMs = isClassic ? (int)Math.Min(options.SessionTimeout.TotalMilliseconds / 5, HeartbeatMs) : null,
            // librdkafka waits a whole second after its queue was full; that second would be the 99th percentile.
            FetchQueueBackoffMs = 20,
            QueuedMinMessages = 20_000,
            QueuedMaxMessagesKbytes = 16 * 1024,
            FetchWaitMaxMs = 100,
        };
        foreach (var (name, value) in options.Consumer)
            config.Set(name, value);
        return config;
    }
}
