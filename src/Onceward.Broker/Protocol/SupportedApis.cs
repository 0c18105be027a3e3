namespace Onceward.Broker.Protocol;

/// <summary>A request's versions: the range advertised, the lowest really served, and the first with compact encodings.</summary>
/// <param name="Key">The request.</param>
/// <param name="Min">The lowest version advertised.</param>
/// <param name="Max">The highest version.</param>
/// <param name="FlexibleFrom">The first flexible version (KIP-482); <see cref="short.MaxValue"/>: never.</param>
/// <param name="ServedFrom">Advertised versions below it are answered with UNSUPPORTED_VERSION.</param>
internal readonly record struct SupportedApi(ApiKey Key, short Min, short Max, short FlexibleFrom, short ServedFrom = 0);

/// <summary>The one table of what this broker speaks.</summary>
/// <remarks>
/// Left out on purpose: telemetry (71, 72), whose mere presence makes clients push metrics; consumer and share groups (68, 69, 76 to 79);
/// SASL (17, 36). Some minimums are below what Apache Kafka 4 serves, for old clients that read more into a range than it says: librdkafka
/// before 2.11.1 compresses only where Produce starts at 0, and uses groups only where FindCoordinator does.
/// </remarks>
internal static class SupportedApis
{
    private const short Never = short.MaxValue;

    public static IReadOnlyList<SupportedApi> All { get; } =
    [
        new(ApiKey.Produce, 0, 10, 9, ServedFrom: 3),
        new(ApiKey.Fetch, 4, 17, 12),
        new(ApiKey.ListOffsets, 1, 10, 6),
        new(ApiKey.Metadata, 0, 13, 9),
        new(ApiKey.OffsetCommit, 1, 9, 8),
        new(ApiKey.OffsetFetch, 1, 9, 6),
        new(ApiKey.FindCoordinator, 0, 6, 3),
        new(ApiKey.JoinGroup, 0, 9, 6),
        new(ApiKey.Heartbeat, 0, 4, 4),
        new(ApiKey.LeaveGroup, 0, 5, 4),
        new(ApiKey.SyncGroup, 0, 5, 4),
        new(ApiKey.DescribeGroups, 0, 6, 5),
        new(ApiKey.ListGroups, 0, 5, 3),
        new(ApiKey.ApiVersions, 0, 4, 3),
        new(ApiKey.CreateTopics, 0, 7, 5),
        new(ApiKey.DeleteTopics, 0, 6, 4),
        new(ApiKey.DeleteRecords, 0, 2, 2),
        new(ApiKey.InitProducerId, 0, 5, 2),
        new(ApiKey.OffsetForLeaderEpoch, 2, 4, 4),
        new(ApiKey.AddPartitionsToTxn, 0, 3, 3),
        new(ApiKey.AddOffsetsToTxn, 0, 4, 3),
        new(ApiKey.EndTxn, 0, 4, 3),
        new(ApiKey.TxnOffsetCommit, 0, 4, 3),
        new(ApiKey.DescribeAcls, 1, 3, 2),
        new(ApiKey.CreateAcls, 1, 3, 2),
        new(ApiKey.DeleteAcls, 1, 3, 2),
        new(ApiKey.DescribeConfigs, 0, 4, 4),
        new(ApiKey.AlterConfigs, 0, 2, 2),
        new(ApiKey.DescribeLogDirs, 1, 4, 2),
        new(ApiKey.CreatePartitions, 0, 3, 2),
        new(ApiKey.DeleteGroups, 0, 2, 2),
        new(ApiKey.IncrementalAlterConfigs, 0, 1, 1),
        new(ApiKey.OffsetDelete, 0, 0, Never),
        new(ApiKey.DescribeCluster, 0, 1, 0),
        new(ApiKey.DescribeProducers, 0, 0, 0),
        new(ApiKey.DescribeTransactions, 0, 0, 0),
        new(ApiKey.ListTransactions, 0, 1, 0),
        new(ApiKey.DescribeTopicPartitions, 0, 0, 0),
    ];

    private static readonly Dictionary<ApiKey, SupportedApi> ByKey = All.ToDictionary(api => api.Key);

    public static bool TryGet(ApiKey key, out SupportedApi api) => ByKey.TryGetValue(key, out api);
}
