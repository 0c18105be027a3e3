using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Handlers;

/// <summary>DescribeTopicPartitions, version 0: topics in the order of their names, page by page.</summary>
internal sealed class DescribeTopicPartitionsHandler(BrokerNode node) : ApiHandler<DescribeTopicPartitionsRequest>(ApiKey.DescribeTopicPartitions)
{
    private const int MostPartitions = 2000; // Kafka's max.request.partition.size.limit

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeTopicPartitionsRequest request, CancellationToken cancellationToken)
    {
        if (request.From is { Partition: < 0 })
            throw new MalformedRequestException($"a cursor at partition {request.From.Partition}");
        var names = request.Topics.Count > 0 ? request.Topics.Distinct() : node.Topics.All.Select(topic => topic.Name);
        var left = request.PartitionLimit <= 0 ? MostPartitions : Math.Min(request.PartitionLimit, MostPartitions);
        var answers = new List<DescribedTopic>();
        foreach (var name in names.Order(StringComparer.Ordinal).Where(name => request.From is null || string.CompareOrdinal(name, request.From.Topic) >= 0))
        {
            var first = request.From?.Topic == name ? request.From.Partition : 0;
            if (left == 0)
                return new(new DescribeTopicPartitionsResponse(node.Options.NodeId, answers, new TopicCursor(name, first)));
            var (topic, next) = Describe(name, first, left);
            answers.Add(topic);
            left -= topic.Partitions.Count;
            if (next is not null)
                return new(new DescribeTopicPartitionsResponse(node.Options.NodeId, answers, next));
        }
        return new(new DescribeTopicPartitionsResponse(node.Options.NodeId, answers, null));
    }

    private (DescribedTopic Topic, TopicCursor? Next) Describe(string name, int first, int most)
    {
        if (!node.Topics.TryGet(name, out var topic))
        {
            var error = TopicNames.Refuse(name) is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.InvalidTopic;
            return (new DescribedTopic(error, name, Guid.Empty, IsInternal: false, [], Operations.NotAsked), null);
        }
        var partitions = topic.Partitions.Skip(first).Take(most).Select(log => (log.Partition, log.LeaderEpoch)).ToList();
        var end = first + partitions.Count;
        return (
            new DescribedTopic(ErrorCode.None, name, topic.Id, topic.IsInternal, partitions, Operations.Topic),
            end < topic.Partitions.Length ? new TopicCursor(name, end) : null);
    }
}
