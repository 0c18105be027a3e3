using Confluent.Kafka;
using Onceward.Handling;

namespace Onceward.Lanes;

/// <summary>One topic's part of a batch while it is being applied.</summary>
internal sealed class Run(Subscription subscription, IReadOnlyList<Segment> segments, BatchScope scope)
{
    private readonly Dictionary<TopicPartition, Segment> _segments = segments.ToDictionary(s => s.Claim.Partition);

    public Subscription Subscription => subscription;

    public BatchScope Scope => scope;

    /// <summary>Whether a segment was shortened, so that some of the records belong to a later batch.</summary>
    public bool IsCut { get; set; }

    public Record[] Records() => [.. segments.SelectMany(s => s.Records)];

    public Segment SegmentOf(Record record) => _segments[record.TopicPartition];

    /// <summary>Whether the record was left for a later batch.</summary>
    public bool Leaves(Record record) => IsCut && record.Offset.Value >= SegmentOf(record).Until;
}
