using Confluent.Kafka;
using Onceward.Handling;
using Onceward.Hosting;
using Onceward.Ledger;

namespace Onceward.Intake;

/// <summary>Where to begin on partitions that the ledger does not know: the one moment when it is decided, before anything is read.</summary>
internal sealed class FirstPositions(
    Cluster cluster, string clusterId, string application, ClaimStore store, IncidentStore incidents, IReadOnlyDictionary<string, Subscription> subscriptions)
{
    private static readonly TimeSpan s_brokerTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Writes rows for the partitions; where another process was quicker, its rows stay.</summary>
    public async Task WriteAsync(IReadOnlyCollection<PartitionKey> absent, CancellationToken cancellationToken)
    {
        var started = await store.StartedAsync([.. absent.Select(k => k.Subscription).Distinct()], cancellationToken).ConfigureAwait(false);
        var byId = subscriptions.Values.ToDictionary(s => s.Id);
        var partitions = absent.ToDictionary(k => new TopicPartition(byId[k.Subscription].Topic, k.Partition));
        // The client remembers the partitions of a topic it has asked about, and does not look for the leader of one that was added since.
        foreach (var topic in partitions.Keys.Select(p => p.Topic).Distinct(StringComparer.Ordinal))
            cluster.Admin.GetMetadata(topic, s_brokerTimeout);
        var bounds = await cluster.BoundsAsync(partitions.Keys, cancellationToken).ConfigureAwait(false);
        // A partition that appears later holds records that nobody has read, whatever the policy says of the first start.
        var adopted = await CommittedAsync([.. partitions.Keys.Where(p => !started.Contains(partitions[p].Subscription))], cancellationToken).ConfigureAwait(false);
        var first = partitions.ToDictionary(p => p.Value, p => Decide(subscriptions[p.Key.Topic].Settings, started.Contains(p.Value.Subscription), bounds[p.Key], adopted.TryGetValue(p.Key, out var offset) ? offset : null));
        var written = await store.InsertAsync(clusterId, application, [.. first.Select(f => (f.Key, f.Value.Offset))], cancellationToken).ConfigureAwait(false);
        foreach (var key in written)
            if (first[key] is { Note: { } kind, Offset: var at })
                await NoteAsync(kind, byId[key.Subscription], key, bounds[new TopicPartition(byId[key.Subscription].Topic, key.Partition)].Low, at, cancellationToken).ConfigureAwait(false);
    }

    private static First Decide(SubscriptionSettings settings, bool hasStarted, LogBounds bounds, long? adopted) =>
        adopted is { } offset ? new First(offset, IncidentStore.GroupAdopted)
        : settings.StartAt is StartAt.Latest && !hasStarted ? new First(bounds.End, IncidentStore.StartedAtLatest)
        : new First(bounds.Low, null);

    /// <summary>What is passed over was a decision, if the user's: it is noted for whoever misses the records.</summary>
    private Task NoteAsync(string kind, Subscription subscription, PartitionKey key, long low, long offset, CancellationToken cancellationToken) => incidents.NoteAsync(
        kind, key, low, kind == IncidentStore.GroupAdopted ? IncidentDetail.Of(("group", subscription.Settings.AdoptGroup)) : "{}",
        cancellationToken, IncidentStore.Automatic, offset);

    /// <summary>What the groups that are to be adopted have committed.</summary>
    /// <exception cref="OncewardException">A group still has members: they would go on where we begin.</exception>
    private async Task<Dictionary<TopicPartition, long>> CommittedAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken)
    {
        var committed = new Dictionary<TopicPartition, long>();
        foreach (var adoption in partitions.GroupBy(p => subscriptions[p.Topic].Settings.AdoptGroup, StringComparer.Ordinal))
        {
            if (adoption.Key is not { } group)
                continue;
            foreach (var at in await cluster.CommittedAsync(group, [.. adoption], cancellationToken).ConfigureAwait(false))
                committed.Add(at.Key, at.Value);
        }
        return committed;
    }

    private readonly record struct First(long Offset, string? Note);
}
