using System.Text;
using Onceward.Diagnostics;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Crash;

/// <summary>A process is killed or frozen at a named point, another goes on, and every effect is counted.</summary>
public sealed class CrashTests
{
    private const int Records = 4000;
    private const int Partitions = 4;

    [Theory]
    [InlineData(nameof(Waypoint.EffectsApplied))]
    [InlineData(nameof(Waypoint.Swapped))]
    [InlineData(nameof(Waypoint.Committed))]
    public async Task A_worker_killed_in_its_transaction_leaves_nothing_lost_and_nothing_twice(string point)
    {
        await using var scene = await Scene.CreateAsync();
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
        await using var scene = await Scene.CreateAsync(holdsLocks);
        await using var zombie = scene.Start(stopAt: Enum.Parse<Waypoint>(point), hit: 3);
        await zombie.ReachesAsync();
        zombie.Freeze();
        var before = await scene.EpochsAsync();

        await using var successor = scene.Start();
        await Eventually.HoldsAsync("the successor claims every partition", async () => (await scene.EpochsAsync()) >= before + Partitions, seconds: 45);
        await scene.AppliedAsync(Records, successor);
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
        await using var scene = await Scene.CreateAsync();
        await using var worker = scene.Start(relay: false);
        await using (var victim = scene.Start(worker: false, stopAt: Enum.Parse<Waypoint>(point), hit: 2))
        {
            await victim.ReachesAsync();
            victim.Kill();
        }
        await using var successor = scene.Start(worker: false);
        await scene.ShouldEndExactAsync(successor);
    }

    /// <summary>A database, an input full of records, an output, and the children that work on them.</summary>
    private sealed class Scene(TestDatabase database, TestTopic input, TestTopic output, bool withBalances) : IAsyncDisposable
    {
        private readonly string _application = $"crash-{Guid.NewGuid():N}";

        public static async Task<Scene> CreateAsync(bool withBalances = true)
        {
            var scene = new Scene(
                await TestDatabase.CreateAsync(Effects.CreateTables), await TestTopic.CreateAsync("crash-in", Partitions),
                await TestTopic.CreateAsync("crash-out", 2), withBalances);
            scene.Input.Produce(Effects.Records(Partitions, Records));
            return scene;
        }

        private TestTopic Input => input;

        public ChildWorker Start(bool worker = true, bool relay = true, Waypoint? stopAt = null, int hit = 1) => ChildWorker.Start(
            new CrashPlan(database.ConnectionString, TestServers.Kafka, _application, input.Name, output.Name, worker, relay, withBalances, stopAt, hit));

        public async Task<long> EpochsAsync() => await database.ScalarAsync<long>("SELECT coalesce(sum(epoch), 0)::bigint FROM onceward.consumer_offset");

        public Task AppliedAsync(int count, ChildWorker by) => Eventually.HoldsAsync(
            $"{count} records are applied; the child wrote:\n{by.Output}",
            async () => await database.ScalarAsync<long>("SELECT count(*) FROM effect") >= count, seconds: 60);

        public async Task ShouldEndExactAsync(ChildWorker by)
        {
            await AppliedAsync(Records, by);
            await Eventually.HoldsAsync($"all is published; the child wrote:\n{by.Output}", () => output.ReadCommitted().Count >= Records, seconds: 45);
            await Effects.ShouldBeExactAsync(database, Records, withBalances);
            var messages = output.ReadCommitted();
            messages.Count.ShouldBe(Records);
            messages.Select(m => Encoding.UTF8.GetString(m.Message.Value)).Distinct().Count().ShouldBe(Records);
            foreach (var key in messages.GroupBy(m => m.Message.Key))
                key.Select(m => int.Parse(Encoding.UTF8.GetString(m.Message.Value).Split(':')[1].Trim('"'))).ShouldBeInOrder();
        }

        public ValueTask DisposeAsync() => database.DisposeAsync();
    }
}
