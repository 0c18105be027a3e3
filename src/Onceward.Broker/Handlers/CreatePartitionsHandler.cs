using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Handlers;

/// <summary>CreatePartitions, versions 0 to 3. Partitions are only ever added.</summary>
internal sealed class CreatePartitionsHandler(BrokerNode node) : ApiHandler<CreatePartitionsRequest>(ApiKey.CreatePartitions)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, CreatePartitionsRequest request, CancellationToken cancellationToken)
    {
        var twice = request.Topics.GroupBy(topic => topic.Name).Where(same => same.Count() > 1).Select(same => same.Key).ToHashSet();
        var answers = request.Topics.DistinctBy(topic => topic.Name).Select(topic =>
        {
            var (error, message, _) = twice.Contains(topic.Name)
                ? new TopicResult(ErrorCode.InvalidRequest, "Duplicate topic name.")
                : Grow(topic, request.ValidateOnly);
            return (topic.Name, error, message);
        });
        return new(new CreatePartitionsResponse([.. answers]));
    }

    private TopicResult Grow(GrowingTopic asked, bool validateOnly)
    {
        if (!node.Topics.TryGet(asked.Name, out var topic))
            return new(ErrorCode.UnknownTopicOrPartition);
        if (asked.Assignment is { } assignment)
        {
            if (assignment.Count != asked.Total - topic.Partitions.Length)
                return new(ErrorCode.InvalidReplicaAssignment, $"Attempted to add {asked.Total - topic.Partitions.Length} additional partition(s), but only {assignment.Count} assignment(s) were specified.");
            if (node.Topics.Rules.RefuseAssignment(assignment) is { } refused)
                return refused;
        }
        return topic.IsInternal
            ? new(ErrorCode.InvalidTopic, $"{topic.Name} holds the broker's own state.")
            : node.Topics.AddPartitions(topic, asked.Total, validateOnly);
    }
}
