using Confluent.Kafka;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

/// <summary>Who may work on a partition: two deployments of one worker, and a worker that has another name now.</summary>
public sealed class OwnerTests
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);

    [Fact]
    public async Task Two_deployments_that_take_a_partition_from_each_other_say_so_slow_down_and_apply_nothing_twice()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 2000));
        await using var one = await scene.StartAsync(w => scene.Sums(w).Configure(o => o.CheckInterval = s_look));
        // Another group: neither knows of the other but through the ledger.
        var two = await scene.StartAsync(w => scene.Sums(w).Configure(o => o.CheckInterval = s_look), o => o.GroupIdPrefix = $"{scene.Application}-two");
        await using (two)
        {
            await scene.AppliedAsync(2000);
            await Eventually.HoldsAsync("an incident", async () =>
                await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.incident WHERE kind = 'owners_fence_each_other'") > 0, seconds: 150);
            (one.HasLogged("staying away for") || two.HasLogged("staying away for")).ShouldBeTrue();
            scene.Input.Produce(Effects.Records(1, 3000).Skip(2000));
            await scene.AppliedAsync(3000);
        }
        scene.Input.Produce(Effects.Records(1, 4000).Skip(3000));
        await Eventually.HoldsAsync("the one that is left goes on", async () => await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect") >= 4000, seconds: 150);
        await Effects.ShouldBeExactAsync(scene.Database, 4000);
    }

    [Fact]
    public async Task A_worker_that_is_renamed_under_load_goes_on_where_the_old_name_stood()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(2, 4000));
        await using var old = await scene.StartAsync(w => scene.Sums(w).Configure(o => o.Lanes.MaxRecords = 20));
        await scene.AppliedAsync(200);
        await using var renamed = await TestWorker.StartAsync(
            scene.Database.ConnectionString, scene.Application, o => o.AddWorker("totals", w => scene.Sums(w.RenamedFrom("sums")).Configure(c => c.CheckInterval = s_look)));
        await scene.IncidentAsync("worker_renamed");
        await old.StopAsync();
        scene.Input.Produce(Effects.Records(2, 6000).Skip(4000));
        await scene.AppliedAsync(6000);
        await Effects.ShouldBeExactAsync(scene.Database, 6000);
        (await scene.Database.ColumnAsync<string>("SELECT worker FROM onceward.subscription")).ShouldBe(["totals"]);

        await using var late = await scene.StartAsync();
        await Eventually.HoldsAsync("a process of the old name stops its host", () => late.HasStopped);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.subscription")).ShouldBe(1);
        await Effects.ShouldBeExactAsync(scene.Database, 6000);
    }

    [Fact]
    public async Task Retention_that_passes_a_worker_while_it_waits_for_its_claim_is_a_loss_and_no_reset_policy_decides()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(10);
        scene.Input.Produce(Effects.Records(1, 40).Skip(10));
        TestWorker worker;
        await using (var holder = new Npgsql.NpgsqlConnection(new Npgsql.NpgsqlConnectionStringBuilder(scene.Database.ConnectionString) { Pooling = false }.ConnectionString))
        {
            await holder.OpenAsync(TestContext.Current.CancellationToken);
            await using var hold = new Npgsql.NpgsqlCommand("BEGIN; SELECT FROM onceward.consumer_offset FOR UPDATE", holder);
            await hold.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            worker = await scene.StartAsync(w => scene.Sums(w).Configure(o => o.FrozenOwnerGrace = TimeSpan.FromMinutes(5)));
            await Eventually.HoldsAsync("the worker waits", () => worker.HasLogged("claimed 0 partitions"));
            using var admin = TestTopic.Admin();
            await admin.DeleteRecordsAsync([new TopicPartitionOffset(scene.Input.Name, 0, 30)]);
        }
        await using var _ = worker;
        await scene.IncidentAsync("records_lost");
        (await scene.Database.ScalarAsync<string>("SELECT from_offset || '-' || to_offset FROM onceward.incident WHERE kind = 'records_lost'")).ShouldBe("10-30");
        (await scene.StoppedAsync()).ShouldBe([0]);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect")).ShouldBe(10);
    }
}
