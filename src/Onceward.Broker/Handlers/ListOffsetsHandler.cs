using Onceward.Broker.Log;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>ListOffsets, versions 1 to 10. A reader of committed records is told of none at or behind the last stable offset.</summary>
internal sealed class ListOffsetsHandler(BrokerNode node) : ApiHandler<ListOffsetsRequest>(ApiKey.ListOffsets)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, ListOffsetsRequest request, CancellationToken cancellationToken) =>
        new(new ListOffsetsResponse(request.Topics.ConvertAll(topic => new ListedTopic(
            topic.Name, topic.Partitions.ConvertAll(partition => Find(topic.Name, partition, request.ReadCommitted, context.Version))))));

    private ListedPartition Find(string topic, ListOffsetsPartition asked, bool readCommitted, short version)
    {
        var log = node.Topics.TryGet(topic, out var found) ? found.Partition(asked.Partition) : null;
        var error = LeaderEpoch.Check(log, asked.LeaderEpoch);
        if (error == ErrorCode.None)
            error = log!.Check();
        if (error == ErrorCode.None && asked.Timestamp < 0 && !IsPlace(asked.Timestamp, version))
            error = ErrorCode.UnsupportedVersion;
        return error == ErrorCode.None
            ? new(asked.Partition, ErrorCode.None, Find(log!, asked.Timestamp, readCommitted) ?? ListedPartition.Nothing)
            : new(asked.Partition, error, ListedPartition.Nothing);
    }

    private static bool IsPlace(long timestamp, short version) => timestamp switch
    {
        ListOffsetsPartition.Latest or ListOffsetsPartition.Earliest => true,
        ListOffsetsPartition.MaxTimestamp => version >= 7,
        ListOffsetsPartition.EarliestLocal => version >= 8,
        ListOffsetsPartition.LatestTiered => version >= 9,
        _ => false,
    };

    private static TimestampedOffset? Find(PartitionLog log, long timestamp, bool readCommitted) => timestamp switch
    {
        ListOffsetsPartition.Latest => new(readCommitted ? log.LastStableOffset : log.HighWatermark, -1, log.LeaderEpoch),
        ListOffsetsPartition.Earliest or ListOffsetsPartition.EarliestLocal => new(log.StartOffset, -1, log.EpochAt(log.StartOffset)),
        ListOffsetsPartition.LatestTiered => null,
        ListOffsetsPartition.MaxTimestamp => Visible(log, log.FindMaxTimestamp(), readCommitted),
        _ => Visible(log, log.FindTimestamp(timestamp), readCommitted),
    };

    private static TimestampedOffset? Visible(PartitionLog log, TimestampedOffset? found, bool readCommitted) =>
        found is { } record && readCommitted && record.Offset >= log.LastStableOffset ? null : found;
}
