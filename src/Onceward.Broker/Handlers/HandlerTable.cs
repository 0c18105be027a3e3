namespace Onceward.Broker.Handlers;

/// <summary>Every handler, made once a broker.</summary>
internal static class HandlerTable
{
    public static IReadOnlyList<ApiHandler> Create(BrokerNode node) =>
    [
        .. Data(node),
        .. Groups(node),
        .. Transactions(node),
        .. Admin(node),
    ];

    private static ApiHandler[] Data(BrokerNode node) =>
    [
        new ApiVersionsHandler(),
        new MetadataHandler(node),
        new ProduceHandler(node),
        new FetchHandler(node),
        new ListOffsetsHandler(node),
        new OffsetForLeaderEpochHandler(node),
        new DescribeClusterHandler(node),
        new DescribeTopicPartitionsHandler(node),
    ];

    private static ApiHandler[] Groups(BrokerNode node) =>
    [
        new FindCoordinatorHandler(node),
        new JoinGroupHandler(node),
        new SyncGroupHandler(node),
        new HeartbeatHandler(node),
        new LeaveGroupHandler(node),
        new OffsetCommitHandler(node),
        new TxnOffsetCommitHandler(node),
        new OffsetFetchHandler(node),
        new OffsetDeleteHandler(node),
        new ListGroupsHandler(node),
        new DescribeGroupsHandler(node),
        new DeleteGroupsHandler(node),
    ];

    private static ApiHandler[] Transactions(BrokerNode node) =>
    [
        new InitProducerIdHandler(node),
        new AddPartitionsToTxnHandler(node),
        new AddOffsetsToTxnHandler(node),
        new EndTxnHandler(node),
        new DescribeTransactionsHandler(node),
        new ListTransactionsHandler(node),
        new DescribeProducersHandler(node),
    ];

    private static ApiHandler[] Admin(BrokerNode node) =>
    [
        new CreateTopicsHandler(node),
        new DeleteTopicsHandler(node),
        new DeleteRecordsHandler(node),
        new CreatePartitionsHandler(node),
        new DescribeConfigsHandler(node),
        new AlterConfigsHandler(node),
        new IncrementalAlterConfigsHandler(node),
        new DescribeLogDirsHandler(node),
        new DescribeAclsHandler(),
        new CreateAclsHandler(),
        new DeleteAclsHandler(),
    ];
}
