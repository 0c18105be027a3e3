using System.Collections.Immutable;
using System.Globalization;

namespace Onceward.Broker.Topics;

/// <summary>A topic's settings: what was set for it by name, and the values that this broker acts on, defaults filled in.</summary>
/// <remarks>Names, units and defaults are those of <see cref="TopicConfigs"/>.</remarks>
internal sealed record TopicSettings
{
    private TopicSettings(ImmutableSortedDictionary<string, string> overrides)
    {
        Overrides = overrides;
        MaxMessageBytes = Int("max.message.bytes");
        LogAppendTime = Text("message.timestamp.type") == "LogAppendTime";
        SegmentBytes = Int("segment.bytes");
        SegmentMs = Long("segment.ms");
        RetentionMs = Long("retention.ms");
        RetentionBytes = Long("retention.bytes");
        DeletesOldSegments = ConfigKey.Words(Text("cleanup.policy")).Contains("delete");
        NeedsKeys = ConfigKey.Words(Text("cleanup.policy")).Contains("compact");
        TimestampBeforeMaxMs = Long("message.timestamp.before.max.ms");
        TimestampAfterMaxMs = Long("message.timestamp.after.max.ms");
        IndexIntervalBytes = Int("index.interval.bytes");
    }

    public static TopicSettings Default { get; } = From(ImmutableSortedDictionary<string, string>.Empty);

    /// <summary>As set by CreateTopics and AlterConfigs, text by name.</summary>
    public ImmutableSortedDictionary<string, string> Overrides { get; }

    public int MaxMessageBytes { get; init; }

    public bool LogAppendTime { get; init; }

    public int SegmentBytes { get; init; }

    public long SegmentMs { get; init; }

    /// <summary>-1: for ever.</summary>
    public long RetentionMs { get; init; }

    /// <summary>-1: no bound.</summary>
    public long RetentionBytes { get; init; }

    public bool DeletesOldSegments { get; init; }

    /// <summary>Compacted topics take no record without a key, as in Kafka, although nothing is compacted here.</summary>
    public bool NeedsKeys { get; init; }

    public long TimestampBeforeMaxMs { get; init; }

    public long TimestampAfterMaxMs { get; init; }

    public int IndexIntervalBytes { get; init; }

    /// <summary>The overrides must have passed <see cref="Refuse"/>.</summary>
    public static TopicSettings From(ImmutableSortedDictionary<string, string> overrides) => new(overrides);

    /// <summary>Null where all are known and allowed; else what is wrong with the first that is not.</summary>
    public static string? Refuse(IReadOnlyDictionary<string, string> overrides)
    {
        foreach (var (name, value) in overrides)
        {
            var problem = TopicConfigs.Table.Find(name) is { } key ? key.Refuse(value) : $"Unknown topic config name: {name}";
            if (problem is not null)
                return problem;
        }
        return null;
    }

    private string Text(string name) => Overrides.GetValueOrDefault(name) ?? TopicConfigs.Table.Find(name)!.Default!;

    private int Int(string name) => int.Parse(Text(name), CultureInfo.InvariantCulture);

    private long Long(string name) => long.Parse(Text(name), CultureInfo.InvariantCulture);
}
