using Onceward.Diagnostics;
using Onceward.TestSupport;
using Xunit;

namespace Onceward.Crash;

/// <summary>A process is killed or frozen at a named point, another goes on, and every effect is counted.</summary>
public sealed class CrashTests
{
    [Theory]
    [InlineData(nameof(Waypoint.EffectsApplied))]
    [InlineData(nameof(Waypoint.Swapped))]
    [InlineData(nameof(Waypoint.Committed))]
    public async Task A_worker_killed_in_its_transaction_leaves_nothing_lost_and_nothing_twice(string point)
    {
        await using var scene = await CrashScene.CreateAsync();
        await using (var victim = scene.Start(stopAt: Enum.Parse<Waypoint>(point), hit: 3))
        {
            await victim.ReachesAsync();
            victim.Kill();
        }
        await using var successor = scene.Start();
        await scene.ShouldEndExactAsync(successor);
    }

    [Theory]
    [InlineData(nameof(Waypoint.EffectsApplied), false, "is fenced from")]
    [InlineData(nameof(Waypoint.EffectsApplied), true, "rolled a batch back")]
    [InlineData(nameof(Waypoint.Swapped), true, "rolled a batch back")]
    public async Task A_worker_frozen_past_its_session_takes_no_effect_when_it_wakes_up(string point, bool holdsLocks, string notices)
    {
        await using var scene = await CrashScene.CreateAsync(withBalances: holdsLocks);
        await using var zombie = scene.Start(stopAt: Enum.Parse<Waypoint>(point), hit: 3);
        await zombie.ReachesAsync();
        zombie.Freeze();
        var before = await scene.EpochsAsync();

        await using var successor = scene.Start();
        await Eventually.HoldsAsync("the successor claims every partition", async () => (await scene.EpochsAsync()) >= before + CrashScene.Partitions, seconds: 45);
        await scene.AppliedAsync(successor);
        // It still believes in its transaction: its COMMIT, or the swap before it, is what must not take effect.
        zombie.Thaw();
        zombie.Continue();
        await Eventually.HoldsAsync(
            $"the zombie notices; it wrote:\n{zombie.Output}", () => zombie.Output.Contains(notices, StringComparison.Ordinal));
        await scene.ShouldEndExactAsync(successor);
    }

    [Theory]
    [InlineData(nameof(Waypoint.RelayProduced))]
    [InlineData(nameof(Waypoint.RelayCommitted))]
    public async Task A_relay_killed_around_its_commit_publishes_everything_once(string point)
    {
        await using var scene = await CrashScene.CreateAsync();
        await using var worker = scene.Start(relay: false);
        await using (var victim = scene.Start(worker: false, stopAt: Enum.Parse<Waypoint>(point), hit: 2))
        {
            await victim.ReachesAsync();
            victim.Kill();
        }
        await using var successor = scene.Start(worker: false);
        await scene.ShouldEndExactAsync(successor);
    }
}
