using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Onceward.Handling;
using Onceward.Hosting;
using Onceward.Ledger;

namespace Onceward.Intake;

/// <summary>Turns partitions that the group assigned into claims that the ledger granted.</summary>
/// <remarks>
/// Synchronous: it runs on the poll thread, mostly inside the rebalance handler. The start never comes from Kafka's committed offsets or from a
/// reset policy, only from the ledger's row, which is written before the first record is read.
/// </remarks>
internal sealed class Claimer(Cluster cluster, string clusterId, string application, ClaimStore store, IReadOnlyDictionary<string, Subscription> subscriptions)
{
    private static readonly TimeSpan s_brokerTimeout = TimeSpan.FromSeconds(3);

    /// <summary>The rows that could be claimed. Partitions that are missing here are held by a running transaction: claim them again soon.</summary>
    public IReadOnlyList<OffsetRow> Claim(IReadOnlyCollection<TopicPartition> partitions)
    {
        var keys = partitions.Select(p => new PartitionKey(subscriptions[p.Topic].Id, p.Partition.Value)).ToList();
        var absent = new List<PartitionKey>();
        var claimed = store.Claim(keys, absent);
        if (absent.Count == 0)
            return claimed;
        store.Insert(clusterId, application, FirstPositions(absent));
        return [.. claimed, .. store.Claim(absent, [])];
    }

    private List<(PartitionKey, long)> FirstPositions(List<PartitionKey> absent)
    {
        var started = store.Started([.. absent.Select(k => k.Subscription).Distinct()]);
        var byId = subscriptions.Values.ToDictionary(s => s.Id);
        var specs = absent.ConvertAll(key =>
        {
            var subscription = byId[key.Subscription];
            // A partition that appears later holds records that nobody has read, whatever the policy says of the first start.
            var atEnd = subscription.Settings.StartAt is StartAt.Latest && !started.Contains(key.Subscription);
            return new TopicPartitionOffsetSpec
            {
                TopicPartition = new TopicPartition(subscription.Topic, key.Partition),
                OffsetSpec = atEnd ? OffsetSpec.Latest() : OffsetSpec.Earliest(),
            };
        });
        // The client remembers the partitions of a topic it has asked about, and does not look for the leader of one that was added since.
        foreach (var topic in specs.Select(s => s.TopicPartition.Topic).Distinct(StringComparer.Ordinal))
            cluster.Admin.GetMetadata(topic, s_brokerTimeout);
        var answer = cluster.Admin.ListOffsetsAsync(specs, new ListOffsetsOptions { RequestTimeout = s_brokerTimeout, IsolationLevel = IsolationLevel.ReadCommitted })
            .WaitAsync(s_brokerTimeout + s_brokerTimeout).GetAwaiter().GetResult();
        return [.. answer.ResultInfos.Select(info =>
        {
            var at = info.TopicPartitionOffsetError;
            // A partition without a leader may be answered without an error, and without an offset.
            return at.Error.IsError || at.Offset.Value < 0
                ? throw new KafkaException(at.Error.IsError ? at.Error : new Error(ErrorCode.LeaderNotAvailable))
                : (new PartitionKey(subscriptions[at.Topic].Id, at.Partition.Value), at.Offset.Value);
        })];
    }
}
