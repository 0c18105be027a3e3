namespace Onceward.Broker.Protocol;

/// <summary>The requests of the Kafka protocol that this broker knows, by their numbers on the wire.</summary>
/// <remarks>Source: the "API keys" table of Apache Kafka's protocol guide.</remarks>
public enum ApiKey : short
{
    /// <summary>Appends record batches.</summary>
    Produce = 0,

    /// <summary>Reads record batches.</summary>
    Fetch = 1,

    /// <summary>Offsets by timestamp, and the first and last.</summary>
    ListOffsets = 2,

    /// <summary>Brokers, topics, partitions, leaders.</summary>
    Metadata = 3,

    /// <summary>Stores a group's offsets.</summary>
    OffsetCommit = 8,

    /// <summary>Reads a group's offsets.</summary>
    OffsetFetch = 9,

    /// <summary>Which broker coordinates a group or a transactional id.</summary>
    FindCoordinator = 10,

    /// <summary>Becomes a member of a classic group.</summary>
    JoinGroup = 11,

    /// <summary>Keeps a member alive.</summary>
    Heartbeat = 12,

    /// <summary>Leaves a group.</summary>
    LeaveGroup = 13,

    /// <summary>Brings or waits for a group's assignment.</summary>
    SyncGroup = 14,

    /// <summary>State and members of groups.</summary>
    DescribeGroups = 15,

    /// <summary>All groups.</summary>
    ListGroups = 16,

    /// <summary>Versions of the requests a broker takes.</summary>
    ApiVersions = 18,

    /// <summary>Creates topics.</summary>
    CreateTopics = 19,

    /// <summary>Deletes topics.</summary>
    DeleteTopics = 20,

    /// <summary>Moves the start of partitions.</summary>
    DeleteRecords = 21,

    /// <summary>Gives a producer its id and epoch.</summary>
    InitProducerId = 22,

    /// <summary>Where a leader epoch ended.</summary>
    OffsetForLeaderEpoch = 23,

    /// <summary>Makes partitions part of a transaction.</summary>
    AddPartitionsToTxn = 24,

    /// <summary>Makes a group's offsets part of a transaction.</summary>
    AddOffsetsToTxn = 25,

    /// <summary>Commits or aborts a transaction.</summary>
    EndTxn = 26,

    /// <summary>Stores a group's offsets within a transaction.</summary>
    TxnOffsetCommit = 28,

    /// <summary>Access rules: there are none here.</summary>
    DescribeAcls = 29,

    /// <summary>Access rules: there are none here.</summary>
    CreateAcls = 30,

    /// <summary>Access rules: there are none here.</summary>
    DeleteAcls = 31,

    /// <summary>Settings of topics and brokers.</summary>
    DescribeConfigs = 32,

    /// <summary>Replaces all settings of a topic or broker.</summary>
    AlterConfigs = 33,

    /// <summary>Sizes of partitions on disk.</summary>
    DescribeLogDirs = 35,

    /// <summary>Adds partitions to topics.</summary>
    CreatePartitions = 37,

    /// <summary>Deletes groups.</summary>
    DeleteGroups = 42,

    /// <summary>Changes some settings of a topic or broker.</summary>
    IncrementalAlterConfigs = 44,

    /// <summary>Deletes a group's offsets.</summary>
    OffsetDelete = 47,

    /// <summary>The brokers of the cluster.</summary>
    DescribeCluster = 60,

    /// <summary>Producers of partitions, for finding hung transactions.</summary>
    DescribeProducers = 61,

    /// <summary>State of transactions.</summary>
    DescribeTransactions = 65,

    /// <summary>All transactions.</summary>
    ListTransactions = 66,

    /// <summary>Partitions of topics, page by page.</summary>
    DescribeTopicPartitions = 75,
}
