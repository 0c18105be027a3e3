using Onceward.Broker.Groups;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Handlers;

/// <summary>OffsetCommit, versions 1 to 9. Version 9 tells a member that its group is gone by another error.</summary>
internal sealed class OffsetCommitHandler(BrokerNode node) : ApiHandler<OffsetCommitRequest>(ApiKey.OffsetCommit)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, OffsetCommitRequest request, CancellationToken cancellationToken)
    {
        var commit = new OffsetsCommit(request.GroupId, request.Generation, request.MemberId, request.InstanceId, request.Topics, request.RetentionMs);
        var whenMissing = context.Version >= 9 ? ErrorCode.GroupIdNotFound : ErrorCode.IllegalGeneration;
        return new OffsetCommitResponse(await node.Groups.Offsets.CommitAsync(commit, whenMissing).ConfigureAwait(false));
    }
}
