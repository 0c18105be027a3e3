using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Npgsql;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

/// <summary>What a claim finds in ledger and log, and what it does about it.</summary>
public sealed class ClaimTests
{
    [Fact]
    public async Task Rows_that_somebody_holds_stop_their_partitions_only_and_pass_over_no_record()
    {
        await using var scene = await Scene.CreateAsync();
        scene.Input.Produce(Effects.Records(4, 400));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(400);
        scene.Input.Produce(Effects.Records(4, 4000).Skip(400));
        TestWorker worker;
        await using (await HoldAsync(scene, "partition < 2"))
        {
            worker = await scene.StartAsync(w => scene.Sums(w).Configure(o => o.FrozenOwnerGrace = TimeSpan.FromMinutes(5)));
            await Eventually.HoldsAsync("the other partitions go on", async () => await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect WHERE partition >= 2") == 2000);
            (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect WHERE partition < 2")).ShouldBe(200);
            scene.Input.Produce(Effects.Records(4, 6000).Skip(4000));
        }
        await using var _ = worker;
        await scene.AppliedAsync(6000);
        await Effects.ShouldBeExactAsync(scene.Database, 6000);
        worker.HasLogged("a new consumer begins").ShouldBeFalse("nothing has to begin anew");
    }

    [Fact]
    public async Task An_owner_that_is_frozen_in_its_transaction_is_ended_after_a_grace_time()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(2, 20));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(20);
        scene.Input.Produce(Effects.Records(2, 40).Skip(20));
        // As a frozen worker would: it has moved the row and does not come to its COMMIT.
        await using var frozen = await HoldAsync(scene, "partition = 0", "UPDATE onceward.consumer_offset SET next_offset = 20 WHERE partition = 0");
        await using var worker = await scene.StartAsync(w => scene.Sums(w).Configure(o => o.FrozenOwnerGrace = TimeSpan.FromSeconds(1)));
        await scene.IncidentAsync("frozen_owner_ended");
        await scene.AppliedAsync(40);
        await Effects.ShouldBeExactAsync(scene.Database, 40);
    }

    [Fact]
    public async Task A_row_that_moved_on_while_it_was_held_is_gone_on_from()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(10);
        scene.Input.Produce(Effects.Records(1, 20).Skip(10));
        TestWorker worker;
        await using (var holder = await HoldAsync(scene, "true", """
            UPDATE onceward.consumer_offset SET next_offset = 11, anchor_offset = NULL;
            INSERT INTO effect (partition, "offset", account, sequence) VALUES (0, 10, '0-0', 1);
            INSERT INTO balance VALUES ('0-0', 4) ON CONFLICT (account) DO UPDATE SET amount = balance.amount + excluded.amount
            """))
        {
            worker = await scene.StartAsync(w => scene.Sums(w).Configure(o => o.FrozenOwnerGrace = TimeSpan.FromMinutes(5)));
            await Eventually.HoldsAsync("the worker has its partitions", () => worker.HasLogged("claimed 0 partitions"));
            await using var commit = new NpgsqlCommand("COMMIT", holder);
            await commit.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
        await using var _ = worker;
        await scene.AppliedAsync(20);
        await Effects.ShouldBeExactAsync(scene.Database, 20);
    }

    [Fact]
    public async Task A_position_that_retention_has_passed_stops_its_partition_with_an_incident_and_no_other()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(2, 40));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(40);
        scene.Input.Produce(Effects.Records(2, 80).Skip(40));
        await DeleteBelowAsync(scene, partition: 0, 30);
        await using var worker = await scene.StartAsync();
        await scene.IncidentAsync("records_lost");
        (await scene.Database.ScalarAsync<string>("SELECT from_offset || '-' || to_offset FROM onceward.incident")).ShouldBe("20-30");
        await Eventually.HoldsAsync("the other partition goes on", async () => await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect WHERE partition = 1") == 40);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect WHERE partition = 0")).ShouldBe(20);
        (await scene.StoppedAsync()).ShouldBe([0]);
    }

    [Fact]
    public async Task An_anchor_that_retention_has_taken_is_missed_by_nobody()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(10);
        scene.Input.Produce(Effects.Records(1, 20).Skip(10));
        await DeleteBelowAsync(scene, partition: 0, 10);
        await using var worker = await scene.StartAsync();
        await scene.AppliedAsync(20);
        await Effects.ShouldBeExactAsync(scene.Database, 20);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.incident")).ShouldBe(0);
    }

    [Theory]
    [InlineData("UPDATE onceward.consumer_offset SET anchor_hash = anchor_hash + 1", "lies another record")]
    [InlineData("UPDATE onceward.consumer_offset SET anchor_ts = anchor_ts + 1", "lies another record")]
    [InlineData("UPDATE onceward.consumer_offset SET anchor_leader_epoch = anchor_leader_epoch + 1", "written under an older leader")]
    public async Task A_log_whose_record_at_the_anchor_is_another_stops_the_partition(string tamper, string reason)
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(10);
        await scene.Database.ExecuteAsync(tamper);
        scene.Input.Produce(Effects.Records(1, 20).Skip(10));
        await using var worker = await scene.StartAsync();
        await scene.IncidentAsync("log_diverged");
        (await scene.Database.ScalarAsync<string>("SELECT detail->>'reason' FROM onceward.incident")).ShouldContain(reason);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect")).ShouldBe(10);
        (await scene.StoppedAsync()).ShouldBe([0]);
    }

    [Fact]
    public async Task A_visible_record_between_anchor_and_position_stops_the_partition()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(10);
        // As if offsets 10 to 12 had held nothing visible when the position passed them.
        await scene.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET next_offset = 13");
        scene.Input.Produce(Effects.Records(1, 20).Skip(10));
        await using var worker = await scene.StartAsync();
        await scene.IncidentAsync("log_diverged");
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect")).ShouldBe(10);
    }

    [Fact]
    public async Task An_anchor_that_is_missing_without_a_reason_stops_the_partition()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10), transactionalId: scene.Application);
        await using (await scene.StartAsync())
        {
            await scene.AppliedAsync(10);
            await Eventually.HoldsAsync("the position passes the control record", async () => await scene.Database.ScalarAsync<long>("SELECT next_offset FROM onceward.consumer_offset") == 11);
        }
        // The record that was applied last is said to have lain where there is a control record.
        await scene.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET anchor_offset = 10");
        scene.Input.Produce(Effects.Records(1, 20).Skip(10));
        await using var worker = await scene.StartAsync();
        await scene.IncidentAsync("log_diverged");
        (await scene.Database.ScalarAsync<string>("SELECT detail->>'reason' FROM onceward.incident")).ShouldContain("neither there nor deleted");
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect")).ShouldBe(10);
    }

    [Fact]
    public async Task On_a_compacted_topic_the_anchor_may_be_missing()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        using (var admin = TestTopic.Admin())
            await admin.IncrementalAlterConfigsAsync(new Dictionary<ConfigResource, List<ConfigEntry>>
            {
                [new ConfigResource { Type = ResourceType.Topic, Name = scene.Input.Name }] =
                    [new ConfigEntry { Name = "cleanup.policy", Value = "compact", IncrementalOperation = AlterConfigOpType.Set }],
            });
        scene.Input.Produce(Effects.Records(1, 10), transactionalId: scene.Application);
        await using (await scene.StartAsync())
        {
            await scene.AppliedAsync(10);
            await Eventually.HoldsAsync("the position passes the control record", async () => await scene.Database.ScalarAsync<long>("SELECT next_offset FROM onceward.consumer_offset") == 11);
        }
        await scene.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET anchor_offset = 10");
        scene.Input.Produce(Effects.Records(1, 20).Skip(10));
        await using var worker = await scene.StartAsync();
        await scene.AppliedAsync(20);
        await Effects.ShouldBeExactAsync(scene.Database, 20);
    }

    [Fact]
    public async Task A_log_that_ends_before_the_position_stops_the_partition_once_it_is_no_new_leader()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(10);
        await scene.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET next_offset = 25, anchor_offset = 24");
        await using var worker = await scene.StartAsync();
        await scene.IncidentAsync("log_truncated");
        (await scene.Database.ScalarAsync<string>("SELECT from_offset || '-' || to_offset FROM onceward.incident")).ShouldBe("10-25");
        (await scene.StoppedAsync()).ShouldBe([0]);
    }

    internal static async Task DeleteBelowAsync(Scene scene, int partition, long offset)
    {
        using var admin = TestTopic.Admin();
        await admin.DeleteRecordsAsync([new TopicPartitionOffset(scene.Input.Name, partition, offset)]);
    }

    /// <summary>A session that holds rows in an open transaction, as a frozen owner would, until it is disposed of.</summary>
    internal static async Task<NpgsqlConnection> HoldAsync(Scene scene, string where, string sql = "")
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(scene.Database.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var hold = new NpgsqlCommand($"BEGIN; SELECT FROM onceward.consumer_offset WHERE {where} FOR UPDATE; {sql}", connection);
        await hold.ExecuteNonQueryAsync();
        return connection;
    }
}
