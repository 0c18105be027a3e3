using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>OffsetForLeaderEpoch, versions 2 to 4: by it a consumer finds out that records it has read are gone.</summary>
internal sealed class OffsetForLeaderEpochHandler(BrokerNode node) : ApiHandler<OffsetForLeaderEpochRequest>(ApiKey.OffsetForLeaderEpoch)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, OffsetForLeaderEpochRequest request, CancellationToken cancellationToken) =>
        new(new OffsetForLeaderEpochResponse(request.Topics.ConvertAll(topic => new EndedTopic(
            topic.Name, topic.Partitions.ConvertAll(partition => Find(topic.Name, partition.Partition, partition.CurrentEpoch, partition.Epoch))))));

    private EndedEpoch Find(string topic, int partition, int currentEpoch, int epoch)
    {
        var log = node.Topics.TryGet(topic, out var found) ? found.Partition(partition) : null;
        var error = LeaderEpoch.Check(log, currentEpoch);
        if (error == ErrorCode.None)
            error = log!.Check();
        if (error != ErrorCode.None)
            return new(partition, error);
        var (known, end) = log!.EndOfEpoch(epoch);
        return new(partition, ErrorCode.None, known, end);
    }
}
