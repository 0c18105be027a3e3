using Onceward.Broker.Handlers;
using Onceward.Broker.Log;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Fetching;

/// <summary>One partition of a fetch: what is asked, and where it would come from.</summary>
/// <param name="Topic">As the client names it.</param>
/// <param name="Asked">What is asked.</param>
/// <param name="Log">Null: see the error.</param>
/// <param name="Error">Why nothing is read.</param>
internal readonly record struct PlannedPartition(TopicKey Topic, FetchPartition Asked, PartitionLog? Log, ErrorCode Error)
{
    public static PlannedPartition Of(TopicRegistry topics, TopicKey key, FetchPartition asked)
    {
        var found = key.Name is { } name ? topics.TryGet(name, out var topic) : topics.TryGet(key.Id, out topic);
        if (!found)
            return new(key, asked, null, key.Name is null ? ErrorCode.UnknownTopicId : ErrorCode.UnknownTopicOrPartition);
        var log = topic!.Partition(asked.Partition);
        return new(key, asked, log, LeaderEpoch.Check(log, asked.LeaderEpoch));
    }
}

/// <summary>The partitions of a fetch in their order, and what they hold at a moment.</summary>
/// <remarks>Bounds are soft for the first batch of all: it comes whole, so that a reader always gets on.</remarks>
internal sealed class FetchPlan(IReadOnlyList<PlannedPartition> partitions, FetchRequest request)
{
    // What is allocated for one answer, whatever the client would take. Kafka's fetch.max.bytes.
    private const int MostBytes = 55 * 1024 * 1024;

    public IReadOnlyList<PlannedPartition> Partitions => partitions;

    public FetchResult Read()
    {
        var reads = new List<FetchResponsePartition>(partitions.Count);
        var left = (long)Math.Clamp(request.MaxBytes, 0, MostBytes);
        var bytes = 0L;
        // As in Kafka: what is not there is answered with the rest, and alone at once.
        var failed = partitions.All(partition => partition.Log is null);
        foreach (var partition in partitions)
        {
            var read = partition.Error == ErrorCode.None
                ? partition.Log!.Read(partition.Asked.Offset, (int)Math.Min(left, Math.Max(0, partition.Asked.MaxBytes)), request.ReadCommitted, atLeastOneBatch: bytes == 0)
                : new LogRead(partition.Error, -1, -1, -1, [], LogSlice.Empty);
            bytes += read.Records.Length;
            left = Math.Max(0, left - read.Records.Length);
            failed |= read.Error != ErrorCode.None && partition.Log is not null;
            reads.Add(new(partition.Asked.Partition, read, request.ReadCommitted));
        }
        return new(reads, failed || bytes >= request.MinBytes);
    }
}

/// <summary>What a plan found.</summary>
/// <param name="Partitions">In the order of the plan.</param>
/// <param name="IsEnough">Whether the client wants to wait no longer: enough bytes, or an error of a log to tell.</param>
internal readonly record struct FetchResult(List<FetchResponsePartition> Partitions, bool IsEnough);
