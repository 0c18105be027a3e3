using System.Collections.Concurrent;
using System.Globalization;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Storage;

namespace Onceward.Broker.Topics;

/// <summary>The settings of everything that has some: topics, this broker, groups.</summary>
/// <remarks>A change is on disk before it is answered. Concurrency: one change at a time; look-ups take no lock.</remarks>
internal sealed class ConfigResources(BrokerOptions options, TopicRegistry topics, MetadataJournal journal, string listener)
{
    private static readonly SortedDictionary<string, string> None = new(StringComparer.Ordinal);

    private readonly ConfigTable brokerTable = BrokerConfigs.Table(options, listener);
    private readonly ConcurrentDictionary<(ResourceType Type, string Name), SortedDictionary<string, string>> overrides = new();
    private readonly Lock changing = new();

    /// <summary>Every setting of a resource, or why there is no such resource.</summary>
    public (ErrorCode Error, string? Message, IReadOnlyList<DescribedConfig> Configs) Describe(ResourceType type, string name, bool documentation)
    {
        if (Find(type, name, out var table, out var own) is { } refused)
            return (refused.Error, refused.Message, []);
        var inherited = type == ResourceType.Broker && name.Length > 0 ? OverridesOf(type, "") : None;
        // A list of what is the same for all brokers has only what was set.
        var keys = type == ResourceType.Broker && name.Length == 0 ? table.Keys.Where(key => own.ContainsKey(key.Name)) : table.Keys;
        return (ErrorCode.None, null, [.. keys.Select(key => Describe(key, type, name, own, inherited, documentation))]);
    }

    /// <summary>The settings of a topic that exists, or would.</summary>
    public static IReadOnlyList<DescribedConfig> DescribeTopic(Topic topic) =>
        [.. TopicConfigs.Table.Keys.Select(key => Describe(key, ResourceType.Topic, topic.Name, topic.Settings.Overrides, None, documentation: false))];

    public TopicResult Alter(ResourceType type, string name, List<ConfigChange> changes, bool replaceAll, bool validateOnly)
    {
        lock (changing)
        {
            if (Find(type, name, out var table, out var current) is { } refused)
                return refused;
            if (ConfigEdit.Apply(table, current, changes, replaceAll, out var next) is { } wrong)
                return wrong;
            if (type == ResourceType.Topic && topics.TryGet(name, out var topic))
                return topics.ReplaceSettings(topic, next, validateOnly);
            return validateOnly ? new(ErrorCode.None) : Record(new ResourceSettingsReplaced((sbyte)type, name, next));
        }
    }

    /// <summary>Applies what the metadata log holds, before anybody asks.</summary>
    public void Replay(IEnumerable<MetadataRecord> records)
    {
        foreach (var record in records.OfType<ResourceSettingsReplaced>())
            overrides[((ResourceType)record.Type, record.Name)] = record.Settings;
    }

    /// <summary>The records that lead to what there is now; topics have their own.</summary>
    public IEnumerable<MetadataRecord> Live() => overrides
        .Where(resource => resource.Value.Count > 0)
        .Select(resource => new ResourceSettingsReplaced((sbyte)resource.Key.Type, resource.Key.Name, resource.Value));

    /// <summary>Null where there is such a resource.</summary>
    private TopicResult? Find(ResourceType type, string name, out ConfigTable table, out IReadOnlyDictionary<string, string> own)
    {
        (table, own) = (brokerTable, OverridesOf(type, name));
        switch (type)
        {
            case ResourceType.Topic:
                table = TopicConfigs.Table;
                if (TopicNames.Refuse(name) is { } bad)
                    return new(ErrorCode.InvalidTopic, bad);
                if (!topics.TryGet(name, out var topic))
                    return new(ErrorCode.UnknownTopicOrPartition);
                own = topic.Settings.Overrides;
                return null;
            case ResourceType.Broker:
                return name.Length == 0 ? null : RefuseNode(name);
            case ResourceType.Group:
                table = BrokerConfigs.Groups;
                return name.Length == 0 ? new(ErrorCode.InvalidRequest, "Group name must not be empty") : null;
            default:
                return new(ErrorCode.InvalidRequest, $"Unsupported resource type {(sbyte)type}");
        }
    }

    private TopicResult? RefuseNode(string name)
    {
        if (!int.TryParse(name, NumberStyles.Integer, CultureInfo.InvariantCulture, out var node))
            return new(ErrorCode.InvalidRequest, $"Node id must be an integer, but it is: {name}");
        return node == options.NodeId
            ? null
            : new(ErrorCode.InvalidRequest, $"Unexpected broker id, expected {options.NodeId} or empty string, but received {name}");
    }

    private SortedDictionary<string, string> OverridesOf(ResourceType type, string name) => overrides.GetValueOrDefault((type, name)) ?? None;

    private TopicResult Record(ResourceSettingsReplaced record)
    {
        try
        {
            journal.Append(record);
        }
        catch (IOException e)
        {
            return new(ErrorCode.KafkaStorageError, e.Message);
        }
        Replay([record]);
        return new(ErrorCode.None);
    }

    private static DescribedConfig Describe(
        ConfigKey key, ResourceType type, string name, IReadOnlyDictionary<string, string> own, SortedDictionary<string, string> inherited, bool documentation)
    {
        var synonyms = new List<ConfigSynonym>(3);
        if (own.TryGetValue(key.Name, out var set))
            synonyms.Add(new(key.Name, set, SourceOf(type, name)));
        if (inherited.TryGetValue(key.Name, out var common))
            synonyms.Add(new(key.Name, common, ConfigSource.DynamicDefaultBroker));
        var fallback = type == ResourceType.Topic ? key.Synonym : key.Name;
        if (fallback is not null && key.Default is not null)
            synonyms.Add(new(fallback, key.Default, key.ReadOnly ? ConfigSource.StaticBroker : ConfigSource.Default));
        var winner = synonyms.FirstOrDefault() ?? new(key.Name, key.Default, ConfigSource.Default);
        return new(key.Name, winner.Value, key.ReadOnly, winner.Source, synonyms, (sbyte)key.Kind, documentation ? key.Doc : null);
    }

    private static ConfigSource SourceOf(ResourceType type, string name) => type switch
    {
        ResourceType.Topic => ConfigSource.DynamicTopic,
        ResourceType.Group => ConfigSource.DynamicGroup,
        _ => name.Length == 0 ? ConfigSource.DynamicDefaultBroker : ConfigSource.DynamicBroker,
    };
}
