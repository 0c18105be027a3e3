using Onceward.Broker.Protocol;

namespace Onceward.Broker.Topics;

/// <summary>What may be asked for. Errors and their order are Apache Kafka's; the words are for the operator who reads them.</summary>
internal sealed class TopicRules(BrokerOptions options)
{
    private const int MostPartitions = 10_000; // of a topic: what this broker is tested with

    public int PartitionsOf(NewTopic asked) =>
        asked.Assignment is { } assignment ? assignment.Count : asked.Partitions == -1 ? options.DefaultPartitions : asked.Partitions;

    public static short ReplicationOf(NewTopic asked) =>
        asked.Assignment is { Count: > 0 } assignment ? (short)assignment[0].Count : asked.ReplicationFactor == -1 ? (short)1 : asked.ReplicationFactor;

    /// <summary>Null where the topic may be created.</summary>
    public TopicResult? Refuse(NewTopic asked)
    {
        if (TopicNames.Refuse(asked.Name) is { } bad)
            return new(ErrorCode.InvalidTopic, bad);
        if (RefuseNumbers(asked) is { } numbers)
            return numbers;
        return TopicSettings.Refuse(asked.Settings) is { } problem ? new(ErrorCode.InvalidConfig, problem) : null;
    }

    /// <summary>Null where the topic may have that many partitions.</summary>
    public static TopicResult? RefuseGrowth(Topic topic, int total)
    {
        if (topic.IsDeleted)
            return new(ErrorCode.UnknownTopicOrPartition);
        var present = topic.Partitions.Length;
        if (total == present)
            return new(ErrorCode.InvalidPartitions, $"Topic already has {present} partition(s).");
        if (total < present)
            return new(ErrorCode.InvalidPartitions, $"The topic {topic.Name} currently has {present} partition(s); {total} would not be an increase.");
        return total > MostPartitions ? TooMany(total) : null;
    }

    /// <summary>Null where every partition's replicas are this node, alone or, with lenient replication, among others.</summary>
    public TopicResult? RefuseAssignment(IReadOnlyCollection<IReadOnlyList<int>> assignment)
    {
        foreach (var replicas in assignment)
        {
            if (replicas.Count == 0)
                return new(ErrorCode.InvalidReplicaAssignment, "The manual partition assignment includes an empty replica list.");
            if (replicas.Distinct().Count() != replicas.Count)
                return new(ErrorCode.InvalidReplicaAssignment, "The manual partition assignment includes the same broker more than once.");
            if (!options.LenientReplication && replicas.FirstOrDefault(node => node != options.NodeId, -1) is not -1 and var stranger)
                return new(ErrorCode.InvalidReplicaAssignment, $"The manual partition assignment includes broker {stranger}, but no such broker is registered.");
        }
        return null;
    }

    private TopicResult? RefuseNumbers(NewTopic asked)
    {
        if (asked.Assignment is { } assignment)
        {
            if (asked.Partitions != -1 || asked.ReplicationFactor != -1)
                return new(ErrorCode.InvalidRequest, "Both a manual assignment and a number of partitions or a replication factor were given.");
            if (!assignment.Keys.Order().SequenceEqual(Enumerable.Range(0, assignment.Count)))
                return new(ErrorCode.InvalidReplicaAssignment, "The manual partition assignment must number its partitions from 0 without gaps.");
            return RefuseAssignment([.. assignment.Values]);
        }
        if (asked.ReplicationFactor is < -1 or 0)
            return new(ErrorCode.InvalidReplicationFactor, "Replication factor must be larger than 0, or -1 to use the default value.");
        if (asked.Partitions is < -1 or 0)
            return new(ErrorCode.InvalidPartitions, "Number of partitions was set to an invalid non-positive value.");
        if (asked.ReplicationFactor > 1 && !options.LenientReplication)
        {
            return new(ErrorCode.InvalidReplicationFactor,
                $"Unable to replicate the partition {asked.ReplicationFactor} time(s): The target replication factor of {asked.ReplicationFactor} cannot be reached because only 1 broker(s) are registered.");
        }
        return asked.Partitions > MostPartitions ? TooMany(asked.Partitions) : null;
    }

    private static TopicResult TooMany(int asked) =>
        new(ErrorCode.InvalidPartitions, $"{asked} partitions are more than the {MostPartitions} that a topic of this broker can have.");
}
