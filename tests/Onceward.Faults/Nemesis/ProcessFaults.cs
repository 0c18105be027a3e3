using Confluent.Kafka;
using Onceward.Faults.Stage;

namespace Onceward.Faults.Nemesis;

/// <summary>Faults of workers and relays: killed, frozen, joined by a member that comes and goes.</summary>
internal sealed class ProcessFaults(Scene scene, RunOptions options)
{
    private const int StormJoins = 5;

    private static readonly TimeSpan s_transactionLimit = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan s_ownerLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_stormPause = TimeSpan.FromSeconds(2);

    public async Task<InflictedFault?> KillAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        if (await PickOwnerAsync(plan, cancellationToken) is not var (child, held))
            return null;
        using var _ = new Taken(child);
        var killed = child.Kill();
        await child.EndedAsync(TimeSpan.FromSeconds(10));
        await Task.Delay(TimeSpan.FromSeconds(0.2 + (2 * plan.Strength)), cancellationToken);
        child.Start();
        return new InflictedFault(plan, child.Name, new Bite(killed ? held : 0, "partitions without owner"));
    }

    /// <summary>Past the session's time-out, so that it wakes up as a zombie.</summary>
    public async Task<InflictedFault?> FreezeAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        if (await PickOwnerAsync(plan, cancellationToken) is not var (child, held))
            return null;
        using var _ = new Taken(child);
        var pid = child.Pid;
        var isInside = await IsInTransactionAsync(child, cancellationToken);
        child.Freeze();
        try
        {
            await Task.Delay(WorkerPlan.SessionTimeout + TimeSpan.FromSeconds(1 + (3 * plan.Strength)), cancellationToken);
            var taken = await Evidence.AwaitAsync(async () => held - await scene.Store.PartitionsOfAsync(pid, cancellationToken), cancellationToken);
            return new InflictedFault(plan, $"{child.Name}{(isInside ? ", in a transaction" : "")}", new Bite(taken, "partitions taken over from the frozen one"));
        }
        finally
        {
            child.Thaw();
        }
    }

    /// <summary>Waits a moment for the worker to be inside a transaction: the zombie that has one open is the one to be fenced.</summary>
    private async Task<bool> IsInTransactionAsync(Child child, CancellationToken cancellationToken)
    {
        var session = new Npgsql.NpgsqlParameter<string> { TypedValue = child.Session };
        for (var since = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(since) < s_transactionLimit;)
            if (await scene.Store.AskAsync<bool>(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1 AND state = 'idle in transaction' AND query LIKE '%INSERT INTO ledger%')",
                cancellationToken, session))
                return true;
        return false;
    }

    public async Task<InflictedFault?> KillRelayAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        var running = await scene.Store.AskAsync<string>(
            """
            SELECT coalesce(max(a.application_name), '') FROM pg_locks l JOIN pg_stat_activity a USING (pid)
             WHERE l.locktype = 'advisory' AND l.granted AND a.application_name LIKE 'relay%'
            """, cancellationToken);
        var child = scene.Relays.FirstOrDefault(r => r.Session == running) ?? Pick(scene.Relays, plan);
        if (child is null || child.IsTaken)
            return null;
        using var _ = new Taken(child);
        var before = scene.Tally.Event(EventIds.SlotStarted);
        child.Kill();
        await child.EndedAsync(TimeSpan.FromSeconds(10));
        await Evidence.AwaitAsync(() => Task.FromResult(scene.Tally.Event(EventIds.SlotStarted) - before), cancellationToken);
        child.Start();
        return new InflictedFault(plan, child.Name, new Bite(scene.Tally.Event(EventIds.SlotStarted) - before, "slots begun by another"));
    }

    /// <summary>A worker joins and leaves; meanwhile a bare member does the same every two seconds, and reads nothing of what it is given.</summary>
    public async Task<InflictedFault?> StormAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        if (scene.Guest.IsTaken)
            return null;
        using var _ = new Taken(scene.Guest);
        var before = Rebalances();
        scene.Guest.Start();
        for (var i = 0; i < StormJoins; i++)
        {
            await Task.Run(() => JoinAndLeave(cancellationToken), cancellationToken);
            await Task.Delay(s_stormPause, cancellationToken);
        }
        scene.Guest.Leave();
        await scene.Guest.EndedAsync(TimeSpan.FromSeconds(20));
        return new InflictedFault(plan, "the group", new Bite(Rebalances() - before, "rebalances of members"));
    }

    private long Rebalances() => scene.Tally.Event(EventIds.PartitionsClaimed) + scene.Tally.Event(EventIds.PartitionsRevoked);

    private void JoinAndLeave(CancellationToken cancellationToken)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = options.Kafka, ClientId = "storm", GroupId = $"{Scene.Application}.{WorkerPlan.Worker}", EnableAutoCommit = false,
            PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky, SessionTimeoutMs = (int)WorkerPlan.SessionTimeout.TotalMilliseconds,
            AutoOffsetReset = AutoOffsetReset.Latest,
        }).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        consumer.Subscribe(scene.Input);
        for (var since = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(since) < s_stormPause && !cancellationToken.IsCancellationRequested;)
        {
            try
            {
                consumer.Consume(TimeSpan.FromMilliseconds(100));
            }
            catch (ConsumeException)
            {
                // Other faults hit it too.
            }
        }
        consumer.Close();
    }

    /// <summary>A worker that has partitions, with their number: the death of one that has none shows nothing.</summary>
    private async Task<(Child Child, long Held)?> PickOwnerAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        for (var since = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(since) < s_ownerLimit;)
        {
            var owners = new List<(Child Child, long Held)>();
            foreach (var child in scene.Workers)
                if (child is { Pid: { } pid, IsTaken: false, IsFrozen: false } && await scene.Store.PartitionsOfAsync(pid, cancellationToken) is var held and > 0)
                    owners.Add((child, held));
            if (owners.Count > 0)
                return owners[plan.Pick % owners.Count];
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
        }
        return null;
    }

    private static Child? Pick(IReadOnlyList<Child> children, PlannedFault plan)
    {
        var able = children.Where(c => c is { Pid: not null, IsTaken: false, IsFrozen: false }).ToArray();
        return able.Length == 0 ? null : able[plan.Pick % able.Length];
    }

    /// <summary>Keeps other faults from a process that is being hurt.</summary>
    private sealed class Taken : IDisposable
    {
        private readonly Child _child;

        public Taken(Child child) => (_child, child.IsTaken) = (child, true);

        public void Dispose() => _child.IsTaken = false;
    }
}
