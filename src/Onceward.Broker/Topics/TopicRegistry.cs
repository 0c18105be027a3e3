using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Onceward.Broker.Log;
using Onceward.Broker.Protocol;
using Onceward.Broker.Storage;

namespace Onceward.Broker.Topics;

/// <summary>All topics, by name and by id.</summary>
/// <remarks>
/// <para>Guarantee: a change is in the metadata log, on disk, before it is visible and answered. In memory mode there is no log.</para>
/// <para>Concurrency: one change at a time under one lock; look-ups take none.</para>
/// <para>Crash: a topic whose creation was recorded has its partitions opened, empty, by the next start; the folders of one whose deletion was
/// recorded are swept then.</para>
/// </remarks>
internal sealed class TopicRegistry(BrokerOptions options, LogManager logs, MetadataJournal journal)
{
    private readonly ConcurrentDictionary<string, Topic> byName = new();
    private readonly ConcurrentDictionary<Guid, Topic> byId = new();
    private readonly ConcurrentDictionary<string, string> byFoldedName = new();
    private readonly Lock changing = new();
    private Action<Topic> forget = static _ => { };

    public TopicRules Rules { get; } = new(options);

    /// <summary>In no particular order.</summary>
    public IEnumerable<Topic> All => byName.Values;

    public bool TryGet(string name, [NotNullWhen(true)] out Topic? topic) => byName.TryGetValue(name, out topic);

    public bool TryGet(Guid id, [NotNullWhen(true)] out Topic? topic) => byId.TryGetValue(id, out topic);

    /// <summary>Checks name, partition count, replication factor and settings as Kafka does, and creates the topic.</summary>
    /// <returns>With <paramref name="validateOnly"/> the topic as it would be, without partitions.</returns>
    public TopicResult Create(NewTopic asked, bool validateOnly = false)
    {
        if (Rules.Refuse(asked) is { } refused)
            return refused;
        lock (changing)
        {
            if (byName.ContainsKey(asked.Name))
                return new(ErrorCode.TopicAlreadyExists, $"Topic '{asked.Name}' already exists.");
            if (byFoldedName.TryGetValue(TopicNames.Fold(asked.Name), out var twin))
                return new(ErrorCode.InvalidTopic, $"Topic '{asked.Name}' collides with existing topic: {twin}");
            var count = Rules.PartitionsOf(asked);
            var settings = asked.Settings.ToImmutableSortedDictionary(StringComparer.Ordinal);
            return validateOnly
                ? new(ErrorCode.None, Topic: new Topic(asked.Name, Guid.Empty, isInternal: false, [], TopicSettings.From(settings)))
                : Record(new TopicCreated(asked.Name, RandomId.Next(), count, Internal: false, new(settings)));
        }
    }

    /// <summary>A topic that clients cannot create, such as __consumer_offsets; created where it is missing.</summary>
    /// <exception cref="IOException">The disk is full or broken.</exception>
    public Topic GetOrCreateInternal(string name, int partitions)
    {
        lock (changing)
        {
            if (byName.TryGetValue(name, out var topic))
                return topic;
            var settings = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["cleanup.policy"] = "compact" };
            var created = Record(new TopicCreated(name, RandomId.Next(), partitions, Internal: true, settings));
            return created.Topic ?? throw new IOException(created.Message);
        }
    }

    public TopicResult Delete(Topic topic)
    {
        TopicResult result;
        lock (changing)
            result = topic.IsDeleted ? new(ErrorCode.UnknownTopicOrPartition) : Record(new TopicDeleted(topic.Id), topic);
        if (result.Error == ErrorCode.None)
            forget(topic);
        return result;
    }

    public TopicResult AddPartitions(Topic topic, int total, bool validateOnly)
    {
        lock (changing)
        {
            if (TopicRules.RefuseGrowth(topic, total) is { } refused)
                return refused;
            return validateOnly ? new(ErrorCode.None, Topic: topic) : Record(new PartitionsAdded(topic.Id, total), topic);
        }
    }

    /// <summary>The overrides must be all that hold from now on.</summary>
    public TopicResult ReplaceSettings(Topic topic, IReadOnlyDictionary<string, string> overrides, bool validateOnly)
    {
        if (TopicSettings.Refuse(overrides) is { } problem)
            return new(ErrorCode.InvalidConfig, problem);
        lock (changing)
            return validateOnly ? new(ErrorCode.None, Topic: topic) : Record(new TopicSettingsReplaced(topic.Id, new(overrides.ToDictionary())), topic);
    }

    /// <summary>Called after a topic is gone: groups forget its offsets, transactions their partitions.</summary>
    public void WhenDeleted(Action<Topic> also)
    {
        lock (changing)
            forget += also;
    }

    /// <summary>Applies what the metadata log holds, before anybody asks.</summary>
    public void Replay(IEnumerable<MetadataRecord> records)
    {
        lock (changing)
        {
            foreach (var record in records)
                Apply(record);
        }
    }

    /// <summary>The records that lead to what there is now.</summary>
    public IEnumerable<MetadataRecord> Live() => All
        .OrderBy(topic => topic.Name, StringComparer.Ordinal)
        .Select(topic => new TopicCreated(topic.Name, topic.Id, topic.Partitions.Length, topic.IsInternal, new(topic.Settings.Overrides)));

    private TopicResult Record(MetadataRecord record, Topic? topic = null)
    {
        try
        {
            journal.Append(record);
        }
        catch (IOException e)
        {
            return new(ErrorCode.KafkaStorageError, e.Message);
        }
        return new(ErrorCode.None, Topic: Apply(record) ?? topic);
    }

    private Topic? Apply(MetadataRecord record)
    {
        switch (record)
        {
            case TopicCreated created:
                return Add(created);
            case TopicDeleted deleted when byId.TryGetValue(deleted.Id, out var topic):
                Remove(topic);
                return topic;
            case PartitionsAdded added when byId.TryGetValue(added.Id, out var topic):
                topic.Partitions = [.. topic.Partitions, .. Open(topic, topic.Partitions.Length, added.Total)];
                return topic;
            case TopicSettingsReplaced replaced when byId.TryGetValue(replaced.Id, out var topic):
                topic.Settings = TopicSettings.From(replaced.Settings.ToImmutableSortedDictionary(StringComparer.Ordinal));
                return topic;
            default:
                return null;
        }
    }

    private Topic Add(TopicCreated created)
    {
        var settings = TopicSettings.From(created.Settings.ToImmutableSortedDictionary(StringComparer.Ordinal));
        var topic = new Topic(created.Name, created.Id, created.Internal, [], settings);
        topic.Partitions = [.. Open(topic, 0, created.Partitions)];
        byId[topic.Id] = topic;
        byFoldedName[TopicNames.Fold(topic.Name)] = topic.Name;
        byName[topic.Name] = topic;
        return topic;
    }

    private void Remove(Topic topic)
    {
        topic.IsDeleted = true;
        byName.TryRemove(topic.Name, out _);
        byId.TryRemove(topic.Id, out _);
        byFoldedName.TryRemove(TopicNames.Fold(topic.Name), out _);
        foreach (var partition in topic.Partitions)
            logs.Delete(partition);
    }

    private IEnumerable<PartitionLog> Open(Topic topic, int from, int to) =>
        Enumerable.Range(from, to - from).Select(partition => logs.Open(topic.Name, partition, topic.Id, () => topic.Settings));
}
