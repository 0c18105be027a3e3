using Npgsql;
using Onceward.Diagnostics;
using Onceward.Handling;
using Onceward.Hosting;
using Onceward.Ledger;

namespace Onceward.Intake;

/// <summary>A look, every few seconds, at what no record tells: whether topics are still the same, and whether somebody moved our rows.</summary>
/// <remarks>Runs in the background; what it saw is acted upon by the poll thread.</remarks>
internal sealed class Watch(
    string worker, WorkerOptions options, Cluster cluster, string clusterId, NpgsqlDataSource database, SubscriptionStore store, IncidentStore incidents,
    IReadOnlyDictionary<string, Subscription> subscriptions, HungTransactions hung, WorkerLevels levels)
{
    private readonly Dictionary<string, int> _partitions = new(StringComparer.Ordinal);
    private readonly HashSet<string> _present = new(StringComparer.Ordinal);

    /// <param name="claims">What this worker owns.</param>
    /// <param name="stopped">What it does not read.</param>
    /// <param name="doubtful">Group and member of a client that may have waited in vain for the group to take it.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    public async Task<Sighting> LookAsync(
        IReadOnlyList<Claim> claims, IReadOnlyCollection<PartitionKey> stopped, (string Group, string Member)? doubtful, CancellationToken cancellationToken)
    {
        var positions = claims.ToDictionary(c => c, c => c.Position);
        var rows = await OffsetStore.ReadAsync(database, [.. claims.Select(c => c.Key).Concat(stopped).Distinct()], cancellationToken).ConfigureAwait(false);
        // Of an idle partition no batch would tell that its row was moved.
        var fenced = claims.Where(c => !rows.TryGetValue(c.Key, out var row) || row.Epoch != c.Epoch || !row.IsRunning).ToArray();
        var mayGoOn = stopped.Any(key => rows.TryGetValue(key, out var row) && row.IsRunning);
        if (OncewardMetrics.WantsLevels)
            await NoteLevelsAsync(cancellationToken).ConfigureAwait(false);
        var (missing, recreated) = (new List<string>(), new Dictionary<string, string>(StringComparer.Ordinal));
        var begunAnew = new List<(Subscription Subscription, SubscriptionRow Row)>();
        var topics = await cluster.FindTopicsAsync(subscriptions.Keys, cancellationToken).ConfigureAwait(false);
        foreach (var subscription in subscriptions.Values)
        {
            if (topics.ContainsKey(subscription.Topic))
                await NotePresenceAsync(subscription, cancellationToken).ConfigureAwait(false);
            if (!topics.TryGetValue(subscription.Topic, out var topic))
            {
                _present.Remove(subscription.Topic);
                missing.Add(subscription.Topic);
                await incidents.NoteAsync(
                    IncidentStore.TopicMissing, new PartitionKey(subscription.Id, -1), null, IncidentDetail.Of(("topic", subscription.Topic)), cancellationToken).ConfigureAwait(false);
            }
            else if (topic.TopicId.ToString() != subscription.TopicId)
            {
                // An operator may have let the worker begin anew on the topic as it is now.
                var row = await store.EnsureAsync(
                    clusterId, worker, subscription.Topic, topic.TopicId.ToString(), cancellationToken, severalClusters: options.SeveralClusters).ConfigureAwait(false);
                if (row.TopicId == topic.TopicId.ToString())
                    begunAnew.Add((subscription, row));
                else
                    recreated.Add(subscription.Topic, topic.TopicId.ToString());
            }
            else
            {
                await NoteSizeAsync(subscription, topic.Partitions.Count, cancellationToken).ConfigureAwait(false);
            }
        }
        if (recreated.Count == 0 && missing.Count == 0)
        {
            foreach (var (claim, position) in positions)
                claim.CheckedPosition = position;
            await hung.LookAsync(claims, cancellationToken).ConfigureAwait(false);
        }
        bool? isMember = doubtful is { } doubt ? await cluster.IsMemberAsync(doubt.Group, doubt.Member, cancellationToken).ConfigureAwait(false) : null;
        // Only when nothing can fail any more: a look that fails tells nobody, and the next one would find nothing new.
        foreach (var (subscription, row) in begunAnew)
            (subscription.TopicId, subscription.Id) = (row.TopicId, row.Id);
        return new Sighting(fenced, missing, recreated, mayGoOn || begunAnew.Count > 0, isMember);
    }

    /// <summary>A topic that was missing is there, and may have been since before this process began.</summary>
    private async Task NotePresenceAsync(Subscription subscription, CancellationToken cancellationToken)
    {
        if (_present.Contains(subscription.Topic))
            return;
        await incidents.ResolveAsync(IncidentStore.TopicMissing, new PartitionKey(subscription.Id, -1), IncidentStore.Automatic, cancellationToken).ConfigureAwait(false);
        _present.Add(subscription.Topic);
    }

    private async Task NoteLevelsAsync(CancellationToken cancellationToken)
    {
        var found = await LevelStore.ReadAsync(database, [.. subscriptions.Values.Select(s => s.Id)], cancellationToken).ConfigureAwait(false);
        levels.Set(subscriptions.Values.ToDictionary(s => s.Topic, s => found[s.Id]));
    }

    private async Task NoteSizeAsync(Subscription subscription, int partitions, CancellationToken cancellationToken)
    {
        if (_partitions.GetValueOrDefault(subscription.Topic) == partitions)
            return;
        await store.NotePartitionsAsync(subscription.Id, partitions, cancellationToken).ConfigureAwait(false);
        _partitions[subscription.Topic] = partitions;
    }
}

/// <summary>What a look found.</summary>
/// <param name="Fenced">Claims whose rows were moved by somebody else.</param>
/// <param name="Missing">Topics that do not exist.</param>
/// <param name="Recreated">Topics that are another incarnation now, with its id.</param>
/// <param name="MayGoOn">Whether a partition that was stopped may be claimed again.</param>
/// <param name="IsMember">Whether the group has the member that was asked about.</param>
internal sealed record Sighting(
    IReadOnlyList<Claim> Fenced, IReadOnlyList<string> Missing, IReadOnlyDictionary<string, string> Recreated, bool MayGoOn, bool? IsMember);
