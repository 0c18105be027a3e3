using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Transactions;

namespace Onceward.Broker.Handlers;

/// <summary>AddPartitionsToTxn, versions 0 to 3: all partitions or none. Before version 2 a fenced producer is told so with the older code.</summary>
/// <remarks>Version 4 and up are spoken between brokers only.</remarks>
internal sealed class AddPartitionsToTxnHandler(BrokerNode node) : ApiHandler<AddPartitionsToTxnRequest>(ApiKey.AddPartitionsToTxn)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, AddPartitionsToTxnRequest request, CancellationToken cancellationToken)
    {
        var refused = request.Topics
            .SelectMany(static topic => topic.Partitions, static (topic, partition) => new TransactionPartition(topic.Name, partition))
            .Distinct()
            .ToDictionary(static partition => partition, Refuse);
        if (refused.Values.Any(static error => error != ErrorCode.None))
            return Answer(request, partition => refused[partition] == ErrorCode.None ? ErrorCode.OperationNotAttempted : refused[partition]);
        var error = await node.Transactions.AddAsync(
            request.TransactionalId, new(request.ProducerId, request.ProducerEpoch), refused.Keys, cancellationToken).ConfigureAwait(false);
        error = error.ForVersion(context.Version, fencedFrom: 2);
        return Answer(request, _ => error);
    }

    private static AddPartitionsToTxnResponse Answer(AddPartitionsToTxnRequest request, Func<TransactionPartition, ErrorCode> error) =>
        new(request.Topics.ConvertAll(topic =>
            new AddedTopic(topic.Name, topic.Partitions.ConvertAll(partition => (partition, error(new(topic.Name, partition)))))));

    private ErrorCode Refuse(TransactionPartition partition)
    {
        if (!node.Topics.TryGet(partition.Topic, out var topic) || topic.Partition(partition.Partition) is null)
            return ErrorCode.UnknownTopicOrPartition;
        return topic.IsInternal ? ErrorCode.TopicAuthorizationFailed : ErrorCode.None;
    }
}
