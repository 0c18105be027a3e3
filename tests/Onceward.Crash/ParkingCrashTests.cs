using Onceward.Diagnostics;
using Onceward.TestSupport;
using Xunit;

namespace Onceward.Crash;

/// <summary>A worker dies while it parks a key, or while it applies one again, alone and beside another worker.</summary>
public sealed class ParkingCrashTests
{
    private const int InKeysThatFail = 10; // Of a hundred records: an account in ten.

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_key_that_is_being_parked_is_parked_once_with_everything_behind_it(bool withNeighbour)
    {
        await using var scene = await CrashScene.CreateAsync(records: 400, handling: Handling.Blocked);
        await using var neighbour = withNeighbour ? scene.Start() : null;
        if (neighbour is not null)
            await scene.AppliedAsync(neighbour);
        await scene.Database.ExecuteAsync("INSERT INTO blocked VALUES (now())");
        await using (var victim = scene.Start(relay: false, stopAt: Waypoint.Parked))
        {
            if (neighbour is not null)
                await scene.SharedAsync(neighbour, victim);
            scene.Produce(400);
            await victim.ReachesAsync();
            victim.Kill();
        }
        await using var successor = withNeighbour ? null : scene.Start();
        await HealAsync(scene, (neighbour ?? successor)!, parked: (withNeighbour ? 400 : 800) / InKeysThatFail);
    }

    [Theory]
    [InlineData(nameof(Waypoint.Redriven), false)]
    [InlineData(nameof(Waypoint.Redriven), true)]
    [InlineData(nameof(Waypoint.RedriveCommitted), false)]
    [InlineData(nameof(Waypoint.RedriveCommitted), true)]
    public async Task A_key_that_is_being_applied_again_is_applied_once(string point, bool withNeighbour)
    {
        await using var scene = await CrashScene.CreateAsync(records: 400, handling: Handling.Blocked);
        await scene.Database.ExecuteAsync("INSERT INTO blocked VALUES (now())");
        await using (var first = scene.Start())
            await ParkedAsync(scene, 400 / InKeysThatFail);
        await scene.Database.ExecuteAsync("DELETE FROM blocked");
        await using var neighbour = withNeighbour ? scene.Start(relay: true) : null;
        await using (var victim = scene.Start(relay: false, stopAt: Enum.Parse<Waypoint>(point)))
        {
            // With a neighbour it is a race who applies them; where all are gone before the victim comes, there are more.
            for (var more = 0; more < 20 && !victim.HasReached; more++)
            {
                await scene.Database.ExecuteAsync("INSERT INTO blocked VALUES (now())");
                scene.Produce(400);
                await ParkedAsync(scene, 1);
                await scene.Database.ExecuteAsync("DELETE FROM blocked");
                await Eventually.HoldsAsync(
                    "all keys are applied again, or the victim stands", async () =>
                        victim.HasReached || await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.parked_key") == 0);
            }
            await victim.ReachesAsync();
            victim.Kill();
        }
        await using var successor = withNeighbour ? null : scene.Start();
        await scene.ShouldEndExactAsync((neighbour ?? successor)!);
    }

    private static async Task HealAsync(CrashScene scene, ChildWorker by, int parked)
    {
        await ParkedAsync(scene, parked);
        await scene.Database.ExecuteAsync("DELETE FROM blocked");
        await scene.ShouldEndExactAsync(by);
    }

    private static Task ParkedAsync(CrashScene scene, int records) => Eventually.HoldsAsync(
        $"{records} records are parked", async () =>
            await scene.Database.ScalarAsync<bool>("SELECT to_regclass('onceward.parked_record') IS NOT NULL")
            && await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.parked_record") >= records);
}
