using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>DeleteRecords, versions 0 to 2: records before an offset are gone for readers at once, from disk a segment at a time.</summary>
internal sealed class DeleteRecordsHandler(BrokerNode node) : ApiHandler<DeleteRecordsRequest>(ApiKey.DeleteRecords)
{
    private const long NoWatermark = -1;

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DeleteRecordsRequest request, CancellationToken cancellationToken)
    {
        var answers = request.Topics.ConvertAll(topic => new DeletedRecordsTopic(
            topic.Name, topic.Partitions.ConvertAll(partition => Delete(topic.Name, partition.Partition, partition.Offset))));
        return new(new DeleteRecordsResponse(answers));
    }

    private (int, long, ErrorCode) Delete(string topic, int index, long before)
    {
        if (!node.Topics.TryGet(topic, out var found) || found.Partition(index) is not { } log)
            return (index, NoWatermark, ErrorCode.UnknownTopicOrPartition);
        if (found.IsInternal)
            return (index, NoWatermark, ErrorCode.InvalidTopic);
        var (error, watermark) = log.DeleteRecords(before);
        return (index, error == ErrorCode.None ? watermark : NoWatermark, error);
    }
}
