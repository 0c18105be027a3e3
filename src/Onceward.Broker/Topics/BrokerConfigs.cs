using Kind = Onceward.Broker.Topics.ConfigKind;

namespace Onceward.Broker.Topics;

/// <summary>The settings of the broker that tools list, and those of groups. What can be changed is kept; the broker itself follows its options.</summary>
/// <remarks>Source: "Broker configs" and "Group configs" of Apache Kafka's documentation.</remarks>
internal static class BrokerConfigs
{
    private const string NoEffect = "Kept, without effect in this broker.";

    public static ConfigTable Table(BrokerOptions options, string listener) => new(
        new("advertised.listeners", Kind.String, listener, "Where clients reach this broker.", ReadOnly: true),
        new("auto.create.topics.enable", Kind.Boolean, Text(options.AutoCreateTopics), "Whether a topic that is asked for is created.", ReadOnly: true),
        new("background.threads", Kind.Int, "10", NoEffect, Min: 1),
        new("broker.id", Kind.Int, Text(options.NodeId), "The node's number.", ReadOnly: true),
        new("compression.type", Kind.String, "producer", NoEffect),
        new("default.replication.factor", Kind.Int, "1", "One node is all there is.", ReadOnly: true),
        new("group.initial.rebalance.delay.ms", Kind.Int, Milliseconds(options.InitialRebalanceDelay), "How long the first member of a group waits for others.", ReadOnly: true),
        new("listeners", Kind.String, listener, "Where this broker listens.", ReadOnly: true),
        new("log.cleanup.policy", Kind.List, "delete", NoEffect, OneOf: ["delete", "compact"]),
        new("log.dirs", Kind.String, options.DataDirectory ?? "memory", "Where records are kept.", ReadOnly: true),
        new("log.flush.interval.ms", Kind.Long, options.Flush == FlushPolicy.Interval ? Milliseconds(options.FlushInterval) : null, "How often records are forced to disk.", ReadOnly: true),
        new("log.message.timestamp.type", Kind.String, "CreateTime", NoEffect, OneOf: ["CreateTime", "LogAppendTime"]),
        new("log.retention.bytes", Kind.Long, "-1", NoEffect, Min: -1),
        new("log.retention.check.interval.ms", Kind.Long, Milliseconds(options.HousekeepingInterval), "How often retention is looked at.", ReadOnly: true),
        new("log.retention.ms", Kind.Long, "604800000", NoEffect, Min: -1),
        new("log.segment.bytes", Kind.Int, "67108864", NoEffect, Min: 1024 * 1024),
        new("message.max.bytes", Kind.Int, "1048588", NoEffect, Min: 0),
        new("min.insync.replicas", Kind.Int, "1", NoEffect, Min: 1),
        new("node.id", Kind.Int, Text(options.NodeId), "The node's number.", ReadOnly: true),
        new("num.io.threads", Kind.Int, "8", NoEffect, Min: 1),
        new("num.network.threads", Kind.Int, "3", NoEffect, Min: 1),
        new("num.partitions", Kind.Int, Text(options.DefaultPartitions), "Partitions of topics that do not say how many.", ReadOnly: true),
        new("offsets.topic.replication.factor", Kind.Short, "1", "One node is all there is.", ReadOnly: true),
        new("process.roles", Kind.List, "broker,controller", "It is both.", ReadOnly: true),
        new("sasl.kerberos.min.time.before.relogin", Kind.Long, "60000", NoEffect),
        new("socket.request.max.bytes", Kind.Int, Text(options.MaxRequestBytes), "Largest request.", ReadOnly: true),
        new("transaction.max.timeout.ms", Kind.Int, Milliseconds(options.MaxTransactionTimeout), "Longest transaction time-out a producer may ask for.", ReadOnly: true),
        new("transaction.state.log.replication.factor", Kind.Short, "1", "One node is all there is.", ReadOnly: true));

    /// <summary>Settings of groups of the newer protocol, which this broker does not speak.</summary>
    public static ConfigTable Groups { get; } = new(
        new("consumer.heartbeat.interval.ms", Kind.Int, "5000", NoEffect, Min: 1),
        new("consumer.session.timeout.ms", Kind.Int, "45000", NoEffect, Min: 1));

    private static string Text(bool value) => value ? "true" : "false";

    private static string Text(int value) => value.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static string Milliseconds(TimeSpan value) => ((long)value.TotalMilliseconds).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
