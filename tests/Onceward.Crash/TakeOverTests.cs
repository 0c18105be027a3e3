using Onceward.Diagnostics;
using Xunit;

namespace Onceward.Crash;

/// <summary>A worker dies at a named point while another has the other partitions, and takes these too.</summary>
public sealed class TakeOverTests
{
    [Theory]
    [InlineData(nameof(Waypoint.Polled), nameof(Handling.Sets))]
    [InlineData(nameof(Waypoint.EffectsApplied), nameof(Handling.Records))]
    [InlineData(nameof(Waypoint.Swapped), nameof(Handling.Entities))]
    [InlineData(nameof(Waypoint.Committed), nameof(Handling.Sets))]
    public async Task What_a_dead_worker_had_under_way_its_neighbour_does_once(string point, string handling)
    {
        await using var scene = await CrashScene.CreateAsync(records: 400, handling: Enum.Parse<Handling>(handling));
        await using var neighbour = scene.Start();
        await scene.AppliedAsync(neighbour);
        await using (var victim = scene.Start(relay: false, stopAt: Enum.Parse<Waypoint>(point)))
        {
            await scene.SharedAsync(neighbour, victim);
            scene.Produce(800);
            await victim.ReachesAsync();
            victim.Kill();
        }
        await scene.ShouldEndExactAsync(neighbour);
    }
}
