using System.Collections.Frozen;
using Onceward.Broker.Handlers;
using Onceward.Broker.Log;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Faults;

/// <summary>For each request the answer that says one error of everything it names: as a handler would, had it failed.</summary>
internal static class ErrorAnswers
{
    private static readonly FrozenDictionary<ApiKey, ErrorAnswer> Answers =
        Data().Concat(Groups()).Concat(Transactions()).Concat(Admin()).ToFrozenDictionary();

    public static bool Has(ApiKey key) => Answers.ContainsKey(key);

    /// <exception cref="MalformedRequestException">The request cannot be read.</exception>
    public static IResponse Create(BrokerNode node, RequestContext context, Memory<byte> body, ErrorCode error) => Answers[context.Api.Key](node, context, body, error);

    private static IEnumerable<KeyValuePair<ApiKey, ErrorAnswer>> Data() =>
    [
        To<ProduceRequest>(ApiKey.Produce, (request, error) => new ProduceResponse(request.Topics.ConvertAll(topic =>
            new ProducedTopic(topic.Name, [.. topic.Partitions.Select(partition => new ProducedPartition(partition.Partition, NotAppended(error)))])))),
        // Of partitions that a session knows, and the request does not name, only the whole can speak.
        To<FetchRequest>(ApiKey.Fetch, (request, error) =>
            new FetchResponse(request.Topics.Count == 0 ? error : ErrorCode.None, 0, request.Topics.ConvertAll(topic =>
                new FetchResponseTopic(topic.Topic, topic.Partitions.ConvertAll(partition =>
                    new FetchResponsePartition(partition.Partition, LogRead.OutOfRange with { Error = error }, request.ReadCommitted)))))),
        To<ListOffsetsRequest>(ApiKey.ListOffsets, (request, error) => new ListOffsetsResponse(request.Topics.ConvertAll(topic =>
            new ListedTopic(topic.Name, topic.Partitions.ConvertAll(partition =>
                new ListedPartition(partition.Partition, error, ListedPartition.Nothing)))))),
        To<OffsetForLeaderEpochRequest>(ApiKey.OffsetForLeaderEpoch, (request, error) => new OffsetForLeaderEpochResponse(request.Topics.ConvertAll(topic =>
            new EndedTopic(topic.Name, topic.Partitions.ConvertAll(partition => new EndedEpoch(partition.Partition, error)))))),
        To<MetadataRequest>(ApiKey.Metadata, (node, request, error) => new MetadataResponse(
            node.Address, node.ClusterId, (request.Topics ?? []).ConvertAll(topic => Missing(topic, error)), Operations.NotAsked)),
        To<ApiVersionsRequest>(ApiKey.ApiVersions, (_, error) => new ApiVersionsResponse(error)),
    ];

    private static IEnumerable<KeyValuePair<ApiKey, ErrorAnswer>> Groups() =>
    [
        To<FindCoordinatorRequest>(ApiKey.FindCoordinator, (request, error) =>
            new FindCoordinatorResponse(request.Keys.ConvertAll(key => new FoundCoordinator(key, -1, "", -1, error)))),
        To<JoinGroupRequest>(ApiKey.JoinGroup, (request, error) => new JoinGroupResponse(error, request.MemberId)),
        To<SyncGroupRequest>(ApiKey.SyncGroup, (_, error) => new SyncGroupResponse(error)),
        To<HeartbeatRequest>(ApiKey.Heartbeat, (_, error) => new HeartbeatResponse(error)),
        To<LeaveGroupRequest>(ApiKey.LeaveGroup, (_, error) => new LeaveGroupResponse(error, [])),
        To<OffsetCommitRequest>(ApiKey.OffsetCommit, (request, error) => new OffsetCommitResponse(Committed(request.Topics, error))),
        To<OffsetFetchRequest>(ApiKey.OffsetFetch, (request, error) => new OffsetFetchResponse(request.Groups.ConvertAll(group =>
            new FetchedGroup(group.GroupId, error, (group.Topics ?? []).ConvertAll(topic =>
                new FetchedTopic(topic.Name, topic.Partitions.ConvertAll(partition => FetchedOffset.None(partition, error)))))))),
        To<OffsetDeleteRequest>(ApiKey.OffsetDelete, (_, error) => new OffsetDeleteResponse(error, [])),
        To<DescribeGroupsRequest>(ApiKey.DescribeGroups, (request, error) =>
            new DescribeGroupsResponse(request.Groups.ConvertAll(group => new DescribedGroup(error, null, group, "", "", "", [])))),
        To<DeleteGroupsRequest>(ApiKey.DeleteGroups, (request, error) => new DeleteGroupsResponse(request.Groups.ConvertAll(group => (group, error)))),
    ];

    private static IEnumerable<KeyValuePair<ApiKey, ErrorAnswer>> Transactions() =>
    [
        To<InitProducerIdRequest>(ApiKey.InitProducerId, (_, error) => new InitProducerIdResponse(error)),
        To<AddPartitionsToTxnRequest>(ApiKey.AddPartitionsToTxn, (request, error) => new AddPartitionsToTxnResponse(request.Topics.ConvertAll(topic =>
            new AddedTopic(topic.Name, topic.Partitions.ConvertAll(partition => (partition, error)))))),
        To<AddOffsetsToTxnRequest>(ApiKey.AddOffsetsToTxn, (_, error) => new AddOffsetsToTxnResponse(error)),
        To<TxnOffsetCommitRequest>(ApiKey.TxnOffsetCommit, (request, error) => new TxnOffsetCommitResponse(Committed(request.Topics, error))),
        To<EndTxnRequest>(ApiKey.EndTxn, (_, error) => new EndTxnResponse(error)),
    ];

    private static IEnumerable<KeyValuePair<ApiKey, ErrorAnswer>> Admin() =>
    [
        To<CreateTopicsRequest>(ApiKey.CreateTopics, (request, error) =>
            new CreateTopicsResponse(request.Topics.ConvertAll(topic => new CreatedTopic(topic.Name, Guid.Empty, error, null)))),
        To<DeleteTopicsRequest>(ApiKey.DeleteTopics, (request, error) =>
            new DeleteTopicsResponse(request.Topics.ConvertAll(topic => new DeletedTopic(topic.Name, topic.Id, error, null)))),
        To<DeleteRecordsRequest>(ApiKey.DeleteRecords, (request, error) => new DeleteRecordsResponse(request.Topics.ConvertAll(topic =>
            new DeletedRecordsTopic(topic.Name, topic.Partitions.ConvertAll(partition => (partition.Partition, -1L, error)))))),
        To<CreatePartitionsRequest>(ApiKey.CreatePartitions, (request, error) =>
            new CreatePartitionsResponse(request.Topics.ConvertAll(topic => (topic.Name, error, (string?)null)))),
        To<DescribeConfigsRequest>(ApiKey.DescribeConfigs, (request, error) => new DescribeConfigsResponse(request.Resources.ConvertAll(resource =>
            new DescribedResource(resource.Type, resource.Name, error, null, [])))),
        To<AlterConfigsRequest>(ApiKey.AlterConfigs, (request, error) => Altered(request.Resources, error)),
        To<IncrementalAlterConfigsRequest>(ApiKey.IncrementalAlterConfigs, (request, error) => Altered(request.Resources, error)),
    ];

    private static AppendResult NotAppended(ErrorCode error) => new(error, -1, -1, -1);

    private static MetadataTopic Missing(MetadataTopicId asked, ErrorCode error) =>
        new(error, asked.Name, asked.Id, IsInternal: false, [], Operations.NotAsked);

    private static List<CommittedTopic> Committed(List<CommitTopic> topics, ErrorCode error) =>
        topics.ConvertAll(topic => new CommittedTopic(topic.Name, topic.Partitions.ConvertAll(partition => (partition.Partition, error))));

    private static AlterConfigsResponse Altered(List<AlterableResource> resources, ErrorCode error) =>
        new(resources.ConvertAll(resource => new AlteredResource(resource.Type, resource.Name, error, null)));

    private static KeyValuePair<ApiKey, ErrorAnswer> To<TRequest>(ApiKey key, Func<TRequest, ErrorCode, IResponse> answer)
        where TRequest : IRequest<TRequest> => To<TRequest>(key, (_, request, error) => answer(request, error));

    private static KeyValuePair<ApiKey, ErrorAnswer> To<TRequest>(ApiKey key, Func<BrokerNode, TRequest, ErrorCode, IResponse> answer)
        where TRequest : IRequest<TRequest> => new(key, (node, context, body, error) =>
        {
            var reader = new WireReader(body, context.Version, context.Version >= context.Api.FlexibleFrom);
            return answer(node, TRequest.Read(ref reader), error);
        });

    private delegate IResponse ErrorAnswer(BrokerNode node, RequestContext context, Memory<byte> body, ErrorCode error);
}
