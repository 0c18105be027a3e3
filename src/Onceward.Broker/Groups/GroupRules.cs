using Onceward.Broker.Storage;

namespace Onceward.Broker.Groups;

/// <summary>What a broker's settings say about groups.</summary>
internal sealed record GroupRules
{
    /// <summary>How long a new member may wait for its first generation: it cannot send heartbeats before. Kafka's own number.</summary>
    public const int NewMemberTimeoutMs = 5 * 60 * 1000;

    /// <summary>How soon a rebalance that nobody has joined is looked at again, at least: a client may ask for no time at all.</summary>
    public const int LeastWaitMs = 1000;

    public int InitialDelayMs { get; init; }

    public int MinSessionTimeoutMs { get; init; } = 6_000;

    public int MaxSessionTimeoutMs { get; init; } = 30 * 60 * 1000;

    public long OffsetsRetentionMs { get; init; } = 7L * 24 * 3600 * 1000;

    /// <summary>Longest text that may be stored with an offset, in UTF-16 units as Kafka counts. Its offset.metadata.max.bytes.</summary>
    public int MaxMetadataLength { get; init; } = 4096;

    /// <summary>Makes the unique part of a member id.</summary>
    public Func<string> NewId { get; init; } = static () => RandomId.Next().ToString(); // Random: a member of an earlier start of the broker may still be about.

    public static GroupRules From(BrokerOptions options) => new()
    {
        InitialDelayMs = (int)options.InitialRebalanceDelay.TotalMilliseconds,
        MinSessionTimeoutMs = (int)options.MinSessionTimeout.TotalMilliseconds,
        MaxSessionTimeoutMs = (int)options.MaxSessionTimeout.TotalMilliseconds,
        OffsetsRetentionMs = (long)options.OffsetsRetention.TotalMilliseconds,
    };

    /// <summary>The id of a new member: what it calls itself, and something that never comes again.</summary>
    public string MemberId(string name) => $"{name}-{NewId()}";
}
