using Google.Protobuf.Reflection;

namespace Insurance.Contracts;

/// <summary>Every topic, worker and gRPC service of the insurance system, declared here and nowhere else.</summary>
/// <remarks>The setup command, the services and the documentation read this file; an edge that is not here does not exist.</remarks>
public static class Topology
{
    /// <summary>What the gateway accepted: issue, renewal, cancellation.</summary>
    public static Topic AutoEvents { get; } = new(
        "auto.events",
        Partitions: 12,
        Key: "policy_id",
        PolicyEvent.Descriptor,
        Producers: [Roles.Gateway],
        Consumers: [Workers.Underwriting, Workers.Billing]);

    /// <summary>What each accepted event costs or gives back.</summary>
    public static Topic AutoPremiums { get; } = new(
        "auto.premiums",
        Partitions: 12,
        Key: "policy_id",
        Premium.Descriptor,
        Producers: [Workers.Underwriting],
        Consumers: [Workers.Billing]);

    /// <summary>The topics that carry work, in the order of the data path.</summary>
    public static IReadOnlyList<Topic> Topics { get; } = [AutoEvents, AutoPremiums];

    /// <summary>All topics to create: each of <see cref="Topics"/>, followed by its dead letters.</summary>
    public static IReadOnlyList<Topic> AllTopics { get; } = [.. Topics.SelectMany(topic => new[] { topic, topic.DeadLetters })];

    /// <summary>What the host runs under <c>--roles</c>.</summary>
    public static class Roles
    {
        public const string Gateway = "gateway";
        public const string Underwriting = Workers.Underwriting;
        public const string Billing = Workers.Billing;

        public static IReadOnlyList<string> All { get; } = [Gateway, Underwriting, Billing];
    }

    /// <summary>The consumers. A worker's Kafka group is <c>&lt;prefix&gt;.&lt;worker&gt;</c>.</summary>
    public static class Workers
    {
        public const string Underwriting = "underwriting";
        public const string Billing = "billing";

        /// <summary>Used where <c>KAFKA_CONSUMER_GROUP_ID</c> does not name another prefix.</summary>
        public const string DefaultGroupPrefix = "insurance";

        public static string Group(string worker, string prefix = DefaultGroupPrefix) => $"{prefix}.{worker}";
    }

    /// <summary>Headers of every record.</summary>
    public static class RecordHeaders
    {
        public const string EventId = "event_id";
        public const string TraceParent = "traceparent";
    }

    /// <summary>Full gRPC service names, as they stand in the request path and in health checks.</summary>
    public static class Services
    {
        public const string PolicyGateway = "insurance.v1.PolicyGateway";
        public const string Health = "grpc.health.v1.Health";
    }
}

/// <summary>One topic: who writes what to it under which key, and who reads it.</summary>
/// <param name="Name">The topic's name.</param>
/// <param name="Partitions">How many it is created with. Growing it later moves keys; see the growth command.</param>
/// <param name="Key">The message field whose UTF-8 bytes are the record's key, and so the unit of order.</param>
/// <param name="Message">The protobuf message in the record's value.</param>
/// <param name="Producers">Roles and workers that write it.</param>
/// <param name="Consumers">Workers that read it.</param>
public sealed record Topic(
    string Name,
    int Partitions,
    string Key,
    MessageDescriptor Message,
    IReadOnlyList<string> Producers,
    IReadOnlyList<string> Consumers)
{
    /// <summary>Dead letters are few and read by people: three partitions spread them over a cluster of three.</summary>
    public const int DeadLetterPartitions = 3;

    public const string DeadLetterSuffix = ".dlq";

    /// <summary>The topic for this one's dead letters, with the record as it came and the reason in its headers.</summary>
    public Topic DeadLetters => new(Name + DeadLetterSuffix, DeadLetterPartitions, Key, Message, Producers: Consumers, Consumers: []);
}
