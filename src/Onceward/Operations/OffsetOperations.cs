using Confluent.Kafka;
using Npgsql;
using Onceward.Hosting;
using Onceward.Ledger;

namespace Onceward.Operations;

/// <summary>The decisions behind <see cref="WorkerOffsets"/>: what is moved where, and what is refused.</summary>
/// <remarks>
/// The brokers are asked before the transaction begins: a log only grows meanwhile, or loses old records, which the next claim finds.
/// Model: <c>Reset</c> and <c>Adopt</c> of the ledger's specification.
/// </remarks>
internal sealed class OffsetOperations(NpgsqlDataSource database, Cluster cluster)
{
    private const int Attempts = 3; // A redrive takes a key and then offset rows; where it meets us between the two, one of both has to begin again.

    public async Task<IReadOnlyList<MovedOffset>> ResetAsync(OffsetReset reset, Intervention intervention, CancellationToken cancellationToken)
    {
        var place = await FindAsync(reset, cancellationToken).ConfigureAwait(false);
        var partitions = place.BeginsAnew ? [.. Enumerable.Range(0, place.Partitions)] : Chosen(reset, place);
        var targets = await TargetsAsync(reset, place, partitions, cancellationToken).ConfigureAwait(false);
        return await MoveAsync(reset, place, targets, IncidentStore.OffsetsReset, intervention, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<MovedOffset>> AdoptAsync(
        string worker, string topic, string group, Intervention intervention, CancellationToken cancellationToken)
    {
        var reset = new OffsetReset { Worker = worker, Topic = topic, To = ResetTarget.Current, Reason = $"adopted from group {group}" };
        var place = await FindAsync(reset, cancellationToken).ConfigureAwait(false);
        var all = place.Rows.Keys.Select(p => new TopicPartition(topic, p)).ToArray();
        var committed = await cluster.CommittedAsync(group, all, cancellationToken).ConfigureAwait(false);
        if (committed.Count == 0)
            throw Refused($"Group '{group}' has committed nothing for topic '{topic}'.");
        var bounds = await cluster.BoundsAsync(committed.Keys, cancellationToken).ConfigureAwait(false);
        foreach (var (partition, offset) in committed)
            RequireWithin(partition, offset, bounds[partition]);
        var targets = committed.ToDictionary(c => c.Key.Partition.Value, c => c.Value);
        return await MoveAsync(reset, place, targets, IncidentStore.GroupAdopted, intervention, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The subscription that is meant, held against the topic as it is now.</summary>
    private async Task<Place> FindAsync(OffsetReset reset, CancellationToken cancellationToken)
    {
        var known = (await OffsetStatements.ActiveAsync(database, reset.Worker, reset.Topic, cancellationToken).ConfigureAwait(false)).ToArray();
        if (known.Length == 0)
            throw Refused($"Worker '{reset.Worker}' has not read topic '{reset.Topic}' yet. Where it begins is said in its settings: StartAt, or AdoptGroup.");
        var clusterId = await cluster.IdAsync(cancellationToken).ConfigureAwait(false);
        var topics = await cluster.TopicsAsync([reset.Topic], cancellationToken).ConfigureAwait(false);
        var (topicId, partitions) = (topics[reset.Topic].TopicId.ToString(), topics[reset.Topic].Partitions.Count);
        var row = known.FirstOrDefault(k => k.ClusterId == clusterId) ?? known[0];
        if (row.ClusterId != clusterId && !reset.NewCluster)
            throw Refused($"The offsets of worker '{reset.Worker}' are of cluster {row.ClusterId}, and this is cluster {clusterId}, where they mean other records. If the worker moves here for good: --new-cluster.");
        if (row.ClusterId == clusterId && row.TopicId != topicId && !reset.NewTopic)
            throw Refused($"Topic '{reset.Topic}' was deleted and created again (id {topicId}, and the ledger knows {row.TopicId}). To give the old one up and begin on the new one: --new-topic.");
        var beginsAnew = row.ClusterId != clusterId || row.TopicId != topicId;
        if (beginsAnew && (reset.Partitions is not null || reset.To is ResetTarget.Standing or ResetTarget.Exact))
            throw Refused("On another topic or cluster all partitions begin anew: without --partition, and --to earliest, latest or a time.");
        var rows = await OffsetStatements.RowsAsync(database, row.Id, cancellationToken).ConfigureAwait(false);
        return new Place(row, clusterId, topicId, partitions, rows, beginsAnew);
    }

    private static int[] Chosen(OffsetReset reset, Place place)
    {
        if (reset.Partitions is not { } asked)
            return [.. place.Rows.Keys.Order()];
        return asked.FirstOrDefault(p => !place.Rows.ContainsKey(p), -1) is var stranger and >= 0
            ? throw Refused($"Worker '{reset.Worker}' has no offset of partition {stranger} of '{reset.Topic}'.")
            : [.. asked.Distinct().Order()];
    }

    private async Task<Dictionary<int, long>> TargetsAsync(OffsetReset reset, Place place, int[] partitions, CancellationToken cancellationToken)
    {
        var keys = partitions.Select(p => new TopicPartition(reset.Topic, p)).ToArray();
        var bounds = await cluster.BoundsAsync(keys, cancellationToken).ConfigureAwait(false);
        var since = reset.To is ResetTarget.Since { Time: var time } ? await cluster.OffsetsAtAsync(keys, time, cancellationToken).ConfigureAwait(false) : [];
        return keys.ToDictionary(key => key.Partition.Value, key => reset.To switch
        {
            ResetTarget.Bound { IsFirst: true } => bounds[key].Low,
            ResetTarget.Bound => bounds[key].End,
            ResetTarget.Since => since[key] ?? bounds[key].End,
            ResetTarget.Exact { Offset: var offset } => RequireWithin(key, offset, bounds[key]),
            _ => RequireWithin(key, place.Rows[key.Partition.Value], bounds[key]),
        });
    }

    private static long RequireWithin(TopicPartition partition, long offset, LogBounds bounds) => offset >= bounds.Low && offset <= bounds.End
        ? offset
        : throw Refused($"{partition} has the offsets {bounds.Low} to {bounds.End}, not {offset}: --to earliest or --to latest are its bounds.");

    private async Task<IReadOnlyList<MovedOffset>> MoveAsync(
        OffsetReset reset, Place place, Dictionary<int, long> targets, string kind, Intervention intervention, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await Sql.InTransactionAsync<IReadOnlyList<MovedOffset>>(database, intervention.DryRun, async transaction =>
                {
                    var statements = new OffsetStatements(transaction, reset, intervention.By, kind);
                    var subscription = place.BeginsAnew
                        ? await statements.BeginAnewAsync(place.Row.Id, place.ClusterId, place.TopicId, targets, cancellationToken).ConfigureAwait(false)
                        : place.Row.Id;
                    return (await statements.MoveAsync(subscription, targets, isNew: place.BeginsAnew, cancellationToken).ConfigureAwait(false), true);
                }, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DeadlockDetected && attempt < Attempts)
            {
                // Rolled back: nothing has happened yet.
            }
        }
    }

    internal static OncewardException Refused(string why) => new(ErrorCodes.Operation, $"{why} Nothing was changed.");

    /// <param name="Row">The subscription that the worker has now.</param>
    /// <param name="ClusterId">The cluster that was asked.</param>
    /// <param name="TopicId">The topic's id there.</param>
    /// <param name="Partitions">How many it has there.</param>
    /// <param name="Rows">Where the worker stands.</param>
    /// <param name="BeginsAnew">Whether the subscription is of another topic or cluster than these.</param>
    private sealed record Place(ActiveSubscription Row, string ClusterId, string TopicId, int Partitions, IReadOnlyDictionary<int, long> Rows, bool BeginsAnew);
}

/// <summary>A subscription that is not given up.</summary>
internal sealed record ActiveSubscription(int Id, string ClusterId, string TopicId);
