using System.Collections.Immutable;
using Onceward.Broker.Log;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Groups;

/// <summary>The topic __consumer_offsets: created when the first group is, and which of its partitions keeps which group.</summary>
internal sealed class OffsetsTopic(TopicRegistry topics, AppendBatch append, Action<OffsetsLog> whenGrown, long rewriteAfter)
{
    public const string Name = "__consumer_offsets";
    public const int Partitions = 4; // Kafka has 50, to spread groups over brokers. One node needs a few, so that groups do not wait for one lock.

    private readonly Lock guard = new();
    private ImmutableArray<OffsetsLog> logs = [];

    /// <summary>Those that are there; none before there is a group.</summary>
    public ImmutableArray<OffsetsLog> Existing => topics.TryGet(Name, out _) ? All() : [];

    /// <exception cref="IOException">The topic is not there and cannot be created.</exception>
    public OffsetsLog For(string groupId)
    {
        var all = All();
        return all[PartitionOf(groupId, all.Length)];
    }

    public OffsetsLog For(PartitionLog partition) => All()[partition.Partition];

    /// <summary>As Kafka and its tools choose it: by the hash that Java gives to a string.</summary>
    public static int PartitionOf(string groupId, int partitions)
    {
        var hash = 0;
        foreach (var unit in groupId)
            hash = unchecked((31 * hash) + unit);
        return hash == int.MinValue ? 0 : Math.Abs(hash) % partitions;
    }

    private ImmutableArray<OffsetsLog> All()
    {
        lock (guard)
        {
            if (logs.IsEmpty)
                logs = [.. topics.GetOrCreateInternal(Name, Partitions).Partitions.Select(partition => new OffsetsLog(partition, append, whenGrown, rewriteAfter))];
            return logs;
        }
    }
}
