using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Handlers;

/// <summary>DescribeProducers, version 0: who wrote to a partition, and whose transaction is open there.</summary>
internal sealed class DescribeProducersHandler(BrokerNode node) : ApiHandler<DescribeProducersRequest>(ApiKey.DescribeProducers)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeProducersRequest request, CancellationToken cancellationToken) =>
        new(new DescribeProducersResponse(request.Topics.ConvertAll(topic =>
            new ProducersOfTopic(topic.Name, topic.Partitions.ConvertAll(partition => Describe(topic.Name, partition))))));

    private ProducersOfPartition Describe(string name, int partition)
    {
        if (TopicNames.Refuse(name) is { } why)
            return new(partition, ErrorCode.InvalidTopic, why, []);
        return node.Topics.TryGet(name, out var topic) && topic.Partition(partition) is { } log
            ? new(partition, ErrorCode.None, null, log.Producers())
            : new(partition, ErrorCode.UnknownTopicOrPartition, "This server does not host this topic-partition.", []);
    }
}
