using Onceward.Diagnostics;
using Onceward.TestSupport;
using Xunit;

namespace Onceward.Crash;

/// <summary>The ways to handle records, and COMMIT itself, with a worker that dies there alone.</summary>
public sealed class HandlingCrashTests
{
    [Theory]
    [InlineData(nameof(Waypoint.Polled), nameof(Handling.Sets))]
    [InlineData(nameof(Waypoint.Swapped), nameof(Handling.Records))]
    [InlineData(nameof(Waypoint.Committed), nameof(Handling.Records))]
    [InlineData(nameof(Waypoint.EffectsApplied), nameof(Handling.Entities))]
    [InlineData(nameof(Waypoint.Committed), nameof(Handling.Entities))]
    public async Task Whatever_way_records_are_handled_a_crash_loses_and_repeats_nothing(string point, string handling)
    {
        await using var scene = await CrashScene.CreateAsync(records: 1200, handling: Enum.Parse<Handling>(handling));
        await using (var victim = scene.Start(stopAt: Enum.Parse<Waypoint>(point), hit: 2))
        {
            await victim.ReachesAsync();
            victim.Kill();
        }
        await using var successor = scene.Start();
        await scene.ShouldEndExactAsync(successor);
    }

    [Theory]
    [InlineData(Cut.BeforeCommit)] // The server never gets it.
    [InlineData(Cut.AfterCommit)] // The server has executed it; the answer is lost, and then the process.
    public async Task A_worker_that_dies_while_its_COMMIT_is_on_the_way_leaves_it_done_or_not_done(Cut cut)
    {
        await using var scene = await CrashScene.CreateAsync(records: 1200);
        await using var proxy = new TcpProxy(scene.Database.ConnectionString);
        await using (var victim = scene.Start(relay: false, stopAt: Waypoint.Swapped, hit: 2, through: proxy))
        {
            await victim.ReachesAsync();
            proxy.CutNext(cut);
            victim.Continue();
            await Eventually.HoldsAsync("the COMMIT is cut", () => proxy.Cuts > 0);
            victim.Kill();
        }
        await using var successor = scene.Start();
        await scene.ShouldEndExactAsync(successor);
    }
}
