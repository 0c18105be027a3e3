using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Onceward.Faults.Stage;

namespace Onceward.Faults.Nemesis;

/// <summary>Faults of the servers: killed, and started again by the launcher.</summary>
internal sealed class ServerFaults(Scene scene) : IDisposable
{
    private static readonly TimeSpan s_metadataTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_inSyncLimit = TimeSpan.FromSeconds(30);

    // Longer than the load's pause between two bursts: only a batch finds out that its partition is taken.
    private static readonly TimeSpan s_rivalPause = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _broker = new(1);
    private readonly SemaphoreSlim _database = new(1);

    public void Dispose()
    {
        _broker.Dispose();
        _database.Dispose();
    }

    public async Task<InflictedFault?> KillBrokerAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        await _broker.WaitAsync(cancellationToken);
        try
        {
            var (index, role) = await PickBrokerAsync(plan, cancellationToken);
            var (broker, proxy) = (scene.Brokers[index], scene.KafkaProxies[index]);
            var (former, before) = (broker.Pid, proxy.BrokenByServer);
            broker.Signal(Signals.Kill);
            await broker.IsBackAsync(former, cancellationToken);
            return new InflictedFault(plan, $"{broker.Name}, {role}", new Bite(proxy.BrokenByServer - before, "connections broken"));
        }
        finally
        {
            _broker.Release();
        }
    }

    public async Task<InflictedFault?> KillPostgresAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        await _database.WaitAsync(cancellationToken);
        try
        {
            var (former, before) = (scene.Postgres.Pid, BrokenByPostgres());
            var immediate = plan.Pick % 2 == 0;
            scene.Postgres.Signal(immediate ? Signals.Quit : Signals.Kill);
            await scene.Postgres.IsBackAsync(former, cancellationToken);
            return new InflictedFault(plan, immediate ? "immediate shutdown" : "SIGKILL", new Bite(BrokenByPostgres() - before, "connections broken"));
        }
        finally
        {
            _database.Release();
        }
    }

    public async Task<InflictedFault?> TerminateBackendsAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        // Those that are at work first; after a restart of the server there may be none for a moment.
        var ended = await Evidence.AwaitAsync(() => scene.Store.AskAsync<long>(
            """
            SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM (
                SELECT pid FROM pg_stat_activity WHERE application_name ~ '^(worker|relay)-' AND backend_type = 'client backend'
                 ORDER BY state IN ('active', 'idle in transaction') DESC, hashint4(pid # $1) LIMIT $2) b
            """,
            cancellationToken, new Npgsql.NpgsqlParameter<int> { TypedValue = plan.Pick }, new Npgsql.NpgsqlParameter<int> { TypedValue = 1 + (int)(plan.Strength * 4) }), cancellationToken);
        return new InflictedFault(plan, "sessions", new Bite(ended, "sessions terminated"));
    }

    /// <summary>A running worker is fenced from a partition that it owns, and from it alone.</summary>
    /// <remarks>Who loses the partition to a rebalance at the same moment is not fenced any more: then the rival takes another.</remarks>
    public async Task<InflictedFault?> ClaimAsRivalAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        var before = scene.Tally.Count("onceward.partitions.fenced");
        var taken = new List<int>();
        var fenced = await Evidence.AwaitAsync(
            async () =>
            {
                if (await ClaimOneAsync(plan, cancellationToken) is { } partition)
                    taken.Add(partition);
                await Task.Delay(s_rivalPause, cancellationToken);
                return scene.Tally.Count("onceward.partitions.fenced") - before;
            },
            cancellationToken);
        return new InflictedFault(plan, $"partition {string.Join(", then ", taken)}", new Bite(taken.Count > 0 ? fenced : 0, "partitions fenced"));
    }

    private async Task<int?> ClaimOneAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        var owners = scene.Workers.Where(w => w is { Pid: not null, IsFrozen: false, IsTaken: false }).Select(w => $"/{w.Pid}").ToArray();
        var partition = await scene.Store.AskAsync<int>(
            """
            WITH claimed AS (
                UPDATE onceward.consumer_offset SET epoch = epoch + 1, owner = 'rival'
                 WHERE (subscription_id, partition) = (
                       SELECT subscription_id, partition FROM onceward.consumer_offset
                        WHERE state = 'running' AND substring(owner FROM '/[0-9]+$') = ANY ($1)
                        ORDER BY hashint4(partition # $2) LIMIT 1)
             RETURNING partition)
            SELECT coalesce((SELECT partition FROM claimed), -1)
            """, cancellationToken, new Npgsql.NpgsqlParameter<string[]> { TypedValue = owners }, new Npgsql.NpgsqlParameter<int> { TypedValue = plan.Pick });
        return partition >= 0 ? partition : null;
    }

    private long BrokenByPostgres() => scene.Children.Sum(c => c.Postgres.BrokenByServer);

    private async Task<(int Index, string Role)> PickBrokerAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        if (scene.Brokers.Count == 1)
            return (0, "the only one");
        await AllInSyncAsync(cancellationToken);
        try
        {
            var partition = plan.Pick / 2 % RunOptions.Partitions;
            return plan.Pick % 2 == 0
                ? (LeaderOf(partition) - 1, $"leader of partition {partition}")
                : (await CoordinatorAsync() - 1, "coordinator of the group");
        }
        catch (KafkaException)
        {
            return (plan.Pick % scene.Brokers.Count, "any");
        }
    }

    private int LeaderOf(int partition) =>
        scene.Admin.GetMetadata(scene.Input, s_metadataTimeout).Topics[0].Partitions.First(p => p.PartitionId == partition) is { Leader: > 0 } found
            ? found.Leader : throw new KafkaException(ErrorCode.LeaderNotAvailable);

    private async Task<int> CoordinatorAsync()
    {
        var answer = await scene.Admin.DescribeConsumerGroupsAsync(
            [$"{Scene.Application}.{WorkerPlan.Worker}"], new DescribeConsumerGroupsOptions { RequestTimeout = s_metadataTimeout });
        return answer.ConsumerGroupDescriptions[0].Coordinator?.Id ?? throw new KafkaException(ErrorCode.GroupCoordinatorNotAvailable);
    }

    /// <summary>Two brokers of three that are down at once are a loss of the quorum, which nobody promises to survive.</summary>
    private async Task AllInSyncAsync(CancellationToken cancellationToken)
    {
        for (var since = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(since) < s_inSyncLimit;)
        {
            try
            {
                var partitions = scene.Admin.GetMetadata(s_metadataTimeout).Topics.SelectMany(t => t.Partitions).ToArray();
                if (partitions.Length > 0 && partitions.All(p => p.InSyncReplicas.Length == p.Replicas.Length && p.Leader > 0))
                    return;
            }
            catch (KafkaException)
            {
                // Asked again.
            }
            await Task.Delay(TimeSpan.FromMilliseconds(500), cancellationToken);
        }
    }
}
