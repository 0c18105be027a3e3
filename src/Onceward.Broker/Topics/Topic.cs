using System.Collections.Immutable;
using Onceward.Broker.Log;

namespace Onceward.Broker.Topics;

/// <summary>One incarnation of a topic. A name that is deleted and created again is another topic, with another id.</summary>
internal sealed class Topic(string name, Guid id, bool isInternal, ImmutableArray<PartitionLog> partitions, TopicSettings settings)
{
    public string Name => name;

    public Guid Id => id;

    public bool IsInternal => isInternal;

    /// <summary>Grows, never shrinks.</summary>
    public ImmutableArray<PartitionLog> Partitions { get; set; } = partitions;

    /// <summary>Replaced whole when an operator changes one.</summary>
    public TopicSettings Settings { get; set; } = settings;

    public bool IsDeleted { get; set; }

    public PartitionLog? Partition(int index) => (uint)index < (uint)Partitions.Length ? Partitions[index] : null;
}
