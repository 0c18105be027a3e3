using Onceward.Broker.Groups;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>TxnOffsetCommit, versions 0 to 4. The offsets count when the transaction is committed; version 3 says who commits, which is checked.</summary>
internal sealed class TxnOffsetCommitHandler(BrokerNode node) : ApiHandler<TxnOffsetCommitRequest>(ApiKey.TxnOffsetCommit)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, TxnOffsetCommitRequest request, CancellationToken cancellationToken)
    {
        var refused = request.GroupId.Length == 0 ? ErrorCode.InvalidGroupId : request.ProducerId < 0 ? ErrorCode.InvalidProducerIdMapping : ErrorCode.None;
        if (refused != ErrorCode.None)
            return new TxnOffsetCommitResponse(request.Topics.ConvertAll(topic => new CommittedTopic(topic.Name, topic.Partitions.ConvertAll(partition => (partition.Partition, refused)))));
        var commit = new OffsetsCommit(
            request.GroupId, request.Generation, request.MemberId, request.InstanceId, request.Topics,
            ProducerId: request.ProducerId, ProducerEpoch: request.ProducerEpoch);
        return new TxnOffsetCommitResponse(await node.Groups.Offsets.CommitAsync(commit, ErrorCode.IllegalGeneration).ConfigureAwait(false));
    }
}
