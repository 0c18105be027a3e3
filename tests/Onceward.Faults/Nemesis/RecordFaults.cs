using Onceward.Faults.Stage;

namespace Onceward.Faults.Nemesis;

/// <summary>Faults that lie in the records: poison, bytes that are no message, a transaction that is aborted.</summary>
internal sealed class RecordFaults(Scene scene)
{
    // A record is not tried before those in front of it, which wait longer where other faults have been.
    private static readonly TimeSpan s_waits = TimeSpan.FromSeconds(60);

    /// <summary>Records that fail for longer than they wait, as a rule, and now and then one that fails for ever.</summary>
    public async Task<InflictedFault?> PoisonAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        var before = await scene.Store.CountAsync("parked_history", cancellationToken);
        var count = 2 + (int)(plan.Strength * 4);
        for (var i = 0; i < count; i++)
            scene.Producing.OrderPoison(i == 0 && plan.Pick % 2 == 0 ? null : TimeSpan.FromSeconds(4 + (6 * plan.Strength)));
        var parked = await Evidence.AwaitAsync(async () => await scene.Store.CountAsync("parked_history", cancellationToken) - before, cancellationToken, s_waits);
        return new InflictedFault(plan, $"{count} records", new Bite(parked, "records parked"));
    }

    public async Task<InflictedFault?> UndecodableAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        // Those whose attempts were spent have more than one.
        const string First = "onceward.dead_letter WHERE attempts = 1";
        var before = await scene.Store.CountAsync(First, cancellationToken);
        scene.Producing.OrderUndecodable();
        var buried = await Evidence.AwaitAsync(async () => await scene.Store.CountAsync(First, cancellationToken) - before, cancellationToken, s_waits);
        return new InflictedFault(plan, "1 record", new Bite(buried, "dead letters"));
    }

    public async Task<InflictedFault?> AbortAsync(PlannedFault plan, CancellationToken cancellationToken)
    {
        var aborted = await scene.Transactions.RunAsync(TimeSpan.FromSeconds(0.2 + (1.5 * plan.Strength)), cancellationToken);
        return new InflictedFault(plan, "the input topic", new Bite(aborted, "records written and aborted"));
    }
}
