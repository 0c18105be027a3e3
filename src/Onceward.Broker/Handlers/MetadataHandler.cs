using Microsoft.Extensions.Logging;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Handlers;

/// <summary>
/// Metadata, versions 0 to 13. A topic that is not there is created where both the broker and, from version 4, the client say so; by id, from
/// version 10, none is.
/// </summary>
internal sealed partial class MetadataHandler(BrokerNode node) : ApiHandler<MetadataRequest>(ApiKey.Metadata)
{
    private readonly ILogger logger = node.LoggerFactory.CreateLogger<MetadataHandler>();

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, MetadataRequest request, CancellationToken cancellationToken)
    {
        var operations = request.TopicOperations ? Operations.Topic : Operations.NotAsked;
        var topics = request.Topics is null
            ? node.Topics.All.Select(topic => Describe(topic, operations)).ToList()
            : request.Topics.ConvertAll(asked => Find(asked, request.AllowAutoCreation, operations));
        return new(new MetadataResponse(node.Address, node.ClusterId, topics, request.ClusterOperations ? Operations.Cluster : Operations.NotAsked));
    }

    private static MetadataTopic Describe(Topic topic, int operations) =>
        new(ErrorCode.None, topic.Name, topic.Id, topic.IsInternal, [.. topic.Partitions.Select(log => log.LeaderEpoch)], operations);

    private MetadataTopic Find(MetadataTopicId asked, bool mayCreate, int operations)
    {
        if (asked.Name is not { } name)
            return node.Topics.TryGet(asked.Id, out var byId) ? Describe(byId, operations) : Missing(ErrorCode.UnknownTopicId, null, asked.Id);
        if (node.Topics.TryGet(name, out var topic))
            return Describe(topic, operations);
        if (TopicNames.Refuse(name) is not null)
            return Missing(ErrorCode.InvalidTopic, name, Guid.Empty);
        if (!mayCreate || !node.Options.AutoCreateTopics)
            return Missing(ErrorCode.UnknownTopicOrPartition, name, Guid.Empty);
        var (error, _, created) = node.Topics.Create(NewTopic.Named(name));
        if (error == ErrorCode.TopicAlreadyExists && node.Topics.TryGet(name, out var meanwhile))
            return Describe(meanwhile, operations);
        if (created is null)
            return Missing(error, name, Guid.Empty);
        LogAutoCreated(logger, name, created.Partitions.Length);
        return Describe(created, operations);
    }

    private static MetadataTopic Missing(ErrorCode error, string? name, Guid id) => new(error, name, id, IsInternal: false, [], Operations.NotAsked);

    [LoggerMessage(EventIds.TopicAutoCreated, LogLevel.Information, "Created topic {Topic} with {Partitions} partition(s), because a client asked for it")]
    private static partial void LogAutoCreated(ILogger logger, string topic, int partitions);
}
