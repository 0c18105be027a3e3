using System.Text.Json.Serialization;

namespace Onceward.Broker.Storage;

/// <summary>One change of what the broker knows besides records: topics and settings.</summary>
[JsonDerivedType(typeof(ClusterNamed), "cluster")]
[JsonDerivedType(typeof(TopicCreated), "topic-created")]
[JsonDerivedType(typeof(TopicDeleted), "topic-deleted")]
[JsonDerivedType(typeof(PartitionsAdded), "partitions-added")]
[JsonDerivedType(typeof(TopicSettingsReplaced), "topic-settings")]
[JsonDerivedType(typeof(ResourceSettingsReplaced), "resource-settings")]
[JsonDerivedType(typeof(ProducerIdsReserved), "producer-ids")]
internal abstract record MetadataRecord;

/// <summary>The cluster's id, drawn at the first start on a data directory.</summary>
internal sealed record ClusterNamed(string Id) : MetadataRecord;

internal sealed record TopicCreated(string Name, Guid Id, int Partitions, bool Internal, SortedDictionary<string, string> Settings) : MetadataRecord;

internal sealed record TopicDeleted(Guid Id) : MetadataRecord;

internal sealed record PartitionsAdded(Guid Id, int Total) : MetadataRecord;

internal sealed record TopicSettingsReplaced(Guid Id, SortedDictionary<string, string> Settings) : MetadataRecord;

/// <summary>Settings of the broker (<paramref name="Name"/> empty: of all brokers) or of a group.</summary>
internal sealed record ResourceSettingsReplaced(sbyte Type, string Name, SortedDictionary<string, string> Settings) : MetadataRecord;

/// <summary>Producer ids below <paramref name="UpTo"/> may have been given.</summary>
internal sealed record ProducerIdsReserved(long UpTo) : MetadataRecord;

[JsonSerializable(typeof(MetadataRecord))]
internal sealed partial class MetadataJson : JsonSerializerContext;
