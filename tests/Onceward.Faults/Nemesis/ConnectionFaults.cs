using Onceward.Faults.Stage;

namespace Onceward.Faults.Nemesis;

/// <summary>Faults of connections: reset, late, standing still, and the answer to a COMMIT that never comes.</summary>
internal sealed class ConnectionFaults(Scene scene)
{
    private static readonly TimeSpan s_delayed = TimeSpan.FromSeconds(5);

    public async Task<InflictedFault?> CutPostgresAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        var child = Pick(plan);
        // It may have none at the moment: it starts, or the server does.
        var cut = await Evidence.AwaitAsync(() => Task.FromResult<long>(child.Postgres.Cut(child.Name)), cancellationToken);
        return new InflictedFault(plan, child.Name, new Bite(cut, "connections reset"));
    }

    public async Task<InflictedFault?> CutKafkaAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        var child = Pick(plan);
        var cut = await Evidence.AwaitAsync(() => Task.FromResult<long>(scene.KafkaProxies.Sum(p => p.Cut(child.Name))), cancellationToken);
        return new InflictedFault(plan, child.Name, new Bite(cut, "connections reset"));
    }

    public async Task<InflictedFault?> DelayPostgresAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        var child = Pick(plan);
        var late = await child.Postgres.DelayAsync(child.Name, DelayOf(plan), s_delayed, cancellationToken);
        return new InflictedFault(plan, $"{child.Name}, by {DelayOf(plan).TotalSeconds:0.0} s", new Bite(late, "pieces late"));
    }

    public async Task<InflictedFault?> DelayKafkaAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        var child = Pick(plan);
        var late = await Task.WhenAll(scene.KafkaProxies.Select(p => p.DelayAsync(child.Name, DelayOf(plan), s_delayed, cancellationToken)));
        return new InflictedFault(plan, $"{child.Name}, by {DelayOf(plan).TotalSeconds:0.0} s", new Bite(late.Sum(), "pieces late"));
    }

    public async Task<InflictedFault?> DropCommitReplyAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        var workers = scene.Workers.Where(w => w is { Pid: not null, IsFrozen: false, IsTaken: false }).ToArray();
        if (workers.Length == 0)
            return null;
        var child = workers[plan.Pick % workers.Length];
        var before = child.Postgres.MutedCommits;
        child.Postgres.MuteNextCommit();
        var dropped = await Evidence.AwaitAsync(() => Task.FromResult<long>(child.Postgres.MutedCommits - before), cancellationToken);
        child.Postgres.MuteNone();
        return new InflictedFault(plan, child.Name, new Bite(dropped, "answers to COMMIT dropped"));
    }

    /// <summary>A connection that stands still, once in four times; else one that is slow.</summary>
    private static TimeSpan DelayOf(PlannedFault plan) => TimeSpan.FromSeconds(plan.Strength < 0.25 ? 3 : 0.5 * plan.Strength);

    private Child Pick(PlannedFault plan)
    {
        Child[] children = [.. scene.Workers, .. scene.Relays];
        var able = children.Where(c => c is { Pid: not null, IsFrozen: false, IsTaken: false }).ToArray();
        return able.Length > 0 ? able[plan.Pick % able.Length] : children[plan.Pick % children.Length];
    }
}
