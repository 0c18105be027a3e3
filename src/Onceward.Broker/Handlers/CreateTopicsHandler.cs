using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Handlers;

/// <summary>CreateTopics, versions 0 to 7. Each topic has an answer of its own; a name that comes twice is refused each time.</summary>
internal sealed class CreateTopicsHandler(BrokerNode node) : ApiHandler<CreateTopicsRequest>(ApiKey.CreateTopics)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, CreateTopicsRequest request, CancellationToken cancellationToken)
    {
        var twice = request.Topics.GroupBy(topic => topic.Name).Where(same => same.Count() > 1).Select(same => same.Key).ToHashSet();
        var answers = request.Topics
            .DistinctBy(topic => topic.Name)
            .Select(topic => twice.Contains(topic.Name)
                ? new CreatedTopic(topic.Name, Guid.Empty, ErrorCode.InvalidRequest, "Duplicate topic name.")
                : Create(topic, request.ValidateOnly))
            .ToList();
        return new(new CreateTopicsResponse(answers));
    }

    private CreatedTopic Create(CreatableTopic asked, bool validateOnly)
    {
        if (Refuse(asked) is { } refused)
            return new(asked.Name, Guid.Empty, refused.Error, refused.Message);
        var assignment = asked.Assignment.Count == 0
            ? null
            : asked.Assignment.ToDictionary(partition => partition.Partition, IReadOnlyList<int> (partition) => partition.Brokers);
        var settings = asked.Configs.ToDictionary(config => config.Name, config => config.Value!);
        var wanted = new NewTopic(asked.Name, asked.Partitions, asked.ReplicationFactor, settings, assignment);
        var (error, message, topic) = node.Topics.Create(wanted, validateOnly);
        if (topic is null)
            return new(asked.Name, Guid.Empty, error, message);
        return new(
            topic.Name, topic.Id, ErrorCode.None, null, node.Topics.Rules.PartitionsOf(wanted), TopicRules.ReplicationOf(wanted), ConfigResources.DescribeTopic(topic));
    }

    private static TopicResult? Refuse(CreatableTopic asked)
    {
        if (asked.Configs.Find(config => config.Value is null) is { Name: not null } empty)
            return new(ErrorCode.InvalidConfig, $"Null value not supported for topic configs: {empty.Name}");
        if (asked.Configs.DistinctBy(config => config.Name).Count() != asked.Configs.Count)
            return new(ErrorCode.InvalidRequest, "Error due to duplicate config keys");
        return asked.Assignment.DistinctBy(partition => partition.Partition).Count() == asked.Assignment.Count
            ? null
            : new(ErrorCode.InvalidReplicaAssignment, "The manual partition assignment names a partition more than once.");
    }
}
