using System.Collections.Immutable;

namespace Onceward.Broker.Topics;

/// <summary>A topic's settings: what was set for it by name, and the values that this broker acts on, defaults filled in.</summary>
/// <remarks>Names, units and defaults are Apache Kafka's ("Topic configs" of its documentation).</remarks>
internal sealed record TopicSettings
{
    public static TopicSettings Default { get; } = new();

    /// <summary>As set by CreateTopics and AlterConfigs, text by name.</summary>
    public ImmutableSortedDictionary<string, string> Overrides { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    public int MaxMessageBytes { get; init; } = 1_048_588;

    public bool LogAppendTime { get; init; }

    public int SegmentBytes { get; init; } = 64 * 1024 * 1024;

    public long SegmentMs { get; init; } = 7L * 24 * 3600 * 1000;

    /// <summary>-1: for ever.</summary>
    public long RetentionMs { get; init; } = 7L * 24 * 3600 * 1000;

    /// <summary>-1: no bound.</summary>
    public long RetentionBytes { get; init; } = -1;

    public bool DeletesOldSegments { get; init; } = true;

    public int MinInSyncReplicas { get; init; } = 1;

    public long TimestampBeforeMaxMs { get; init; } = long.MaxValue;

    public long TimestampAfterMaxMs { get; init; } = 3600 * 1000;

    public int IndexIntervalBytes { get; init; } = 4096;
}
