using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Handlers;

/// <summary>DeleteTopics, versions 0 to 6; by id from version 6. The topics that the broker keeps its own state in stay.</summary>
internal sealed class DeleteTopicsHandler(BrokerNode node) : ApiHandler<DeleteTopicsRequest>(ApiKey.DeleteTopics)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DeleteTopicsRequest request, CancellationToken cancellationToken)
    {
        var twice = request.Topics.GroupBy(topic => topic).Where(same => same.Count() > 1).Select(same => same.Key).ToHashSet();
        var answers = request.Topics
            .Distinct()
            .Select(topic => twice.Contains(topic) ? new DeletedTopic(topic.Name, topic.Id, ErrorCode.InvalidRequest, "Duplicate topic.") : Delete(topic))
            .ToList();
        return new(new DeleteTopicsResponse(answers));
    }

    private DeletedTopic Delete(DeletableTopic asked)
    {
        if (asked.Name is null == (asked.Id == Guid.Empty))
            return new(asked.Name, asked.Id, ErrorCode.InvalidRequest, "A topic is named either by its name or by its id.");
        Topic? topic;
        var found = asked.Name is { } name ? node.Topics.TryGet(name, out topic) : node.Topics.TryGet(asked.Id, out topic);
        if (!found)
            return new(asked.Name, asked.Id, asked.Name is null ? ErrorCode.UnknownTopicId : ErrorCode.UnknownTopicOrPartition, null);
        if (topic!.IsInternal)
            return new(topic.Name, topic.Id, ErrorCode.InvalidTopic, $"{topic.Name} holds the broker's own state.");
        var (error, message, _) = node.Topics.Delete(topic);
        return new(topic.Name, topic.Id, error, message);
    }
}
