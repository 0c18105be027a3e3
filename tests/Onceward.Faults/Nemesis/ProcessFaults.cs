using Confluent.Kafka;
using Onceward.Faults.Stage;

namespace Onceward.Faults.Nemesis;

/// <summary>Faults of workers and relays: killed, frozen, joined by a member that comes and goes.</summary>
internal sealed class ProcessFaults(Scene scene, RunOptions options)
{
    private const int StormJoins = 5;

    private static readonly TimeSpan s_stormPause = TimeSpan.FromSeconds(2);

    public async Task<InflictedFault?> KillAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        if (Pick(scene.Workers, plan) is not { } child)
            return null;
        using var _ = new Taken(child);
        var held = await scene.Store.PartitionsOfAsync(child.Pid, cancellationToken);
        var killed = child.Kill();
        await child.EndedAsync(TimeSpan.FromSeconds(10));
        await Task.Delay(TimeSpan.FromSeconds(0.2 + (2 * plan.Strength)), cancellationToken);
        child.Start();
        return new InflictedFault(plan, child.Name, new Bite(killed ? held : 0, "partitions without owner"));
    }

    /// <summary>Past the session's time-out, so that it wakes up as a zombie.</summary>
    public async Task<InflictedFault?> FreezeAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        if (Pick(scene.Workers, plan) is not { } child)
            return null;
        using var _ = new Taken(child);
        var pid = child.Pid;
        var held = await scene.Store.PartitionsOfAsync(pid, cancellationToken);
        child.Freeze();
        try
        {
            await Task.Delay(WorkerPlan.SessionTimeout + TimeSpan.FromSeconds(1 + (4 * plan.Strength)), cancellationToken);
            var left = await scene.Store.PartitionsOfAsync(pid, cancellationToken);
            return new InflictedFault(plan, child.Name, new Bite(held - left, "partitions taken over from the frozen one"));
        }
        finally
        {
            child.Thaw();
        }
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
        scene.Guest.Start();
        var joined = 0;
        for (var i = 0; i < StormJoins; i++)
        {
            joined += await Task.Run(() => JoinAndLeave(cancellationToken), cancellationToken) ? 1 : 0;
            await Task.Delay(s_stormPause, cancellationToken);
        }
        scene.Guest.Leave();
        await scene.Guest.EndedAsync(TimeSpan.FromSeconds(20));
        return new InflictedFault(plan, "the group", new Bite(joined, "joins that were given partitions"));
    }

    private bool JoinAndLeave(CancellationToken cancellationToken)
    {
        var assigned = false;
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = options.Kafka, ClientId = "storm", GroupId = $"{Scene.Application}.{WorkerPlan.Worker}", EnableAutoCommit = false,
            PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky, SessionTimeoutMs = (int)WorkerPlan.SessionTimeout.TotalMilliseconds,
            AutoOffsetReset = AutoOffsetReset.Latest,
        }).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).SetPartitionsAssignedHandler((_, given) => assigned |= given.Count > 0).Build();
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
        return assigned;
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
