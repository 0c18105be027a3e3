using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Topics;

/// <summary>All topics, by name and by id. Durable in the metadata log before a change is answered.</summary>
internal sealed class TopicRegistry
{
    private readonly ConcurrentDictionary<string, Topic> byName = new();
    private readonly ConcurrentDictionary<Guid, Topic> byId = new();

    /// <summary>In no particular order.</summary>
    public IEnumerable<Topic> All => byName.Values;

    public bool TryGet(string name, [NotNullWhen(true)] out Topic? topic) => byName.TryGetValue(name, out topic);

    public bool TryGet(Guid id, [NotNullWhen(true)] out Topic? topic) => byId.TryGetValue(id, out topic);

    /// <summary>Checks name, partition count, replication factor and settings as Kafka does, and creates the topic.</summary>
    /// <remarks>-1 as number of partitions or replication factor: the broker's default.</remarks>
    public (ErrorCode Error, string? Message, Topic? Topic) Create(
        string name, int partitions, short replicationFactor, IReadOnlyDictionary<string, string> settings, bool validateOnly) => throw new NotImplementedException();

    /// <summary>A topic that clients cannot create, such as __consumer_offsets; created where it is missing.</summary>
    public Topic GetOrCreateInternal(string name, int partitions) => throw new NotImplementedException();

    public ErrorCode Delete(Topic topic) => throw new NotImplementedException();

    public (ErrorCode Error, string? Message) AddPartitions(Topic topic, int totalCount, bool validateOnly) => throw new NotImplementedException();

    public ErrorCode SetOverrides(Topic topic, IReadOnlyDictionary<string, string> overrides) => throw new NotImplementedException();

    /// <summary>Called after a topic is gone: groups forget its offsets, transactions their partitions.</summary>
    public void WhenDeleted(Action<Topic> forget) => throw new NotImplementedException();
}
