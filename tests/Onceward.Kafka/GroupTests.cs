using Confluent.Kafka;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

/// <summary>Ways to be a member of a group: the protocol of KIP-848, and a name that survives a restart.</summary>
public sealed class GroupTests
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(300);

    [Fact]
    public async Task With_the_consumer_protocol_a_member_without_partitions_takes_over_under_load_and_everything_is_applied_once()
    {
        SkipWhereUnknown(GroupProtocol.Consumer);
        await using var scene = await Scene.CreateAsync(partitions: 1);
        await using var first = await StartAsync(scene, GroupProtocol.Consumer, o => o.Lanes.MaxRecords = 20);
        scene.Input.Produce(Effects.Records(1, 4000));
        await scene.AppliedAsync(1);
        // Nothing is assigned to it, which is not the same as not being a member.
        await using var second = await StartAsync(scene, GroupProtocol.Consumer);
        await scene.AppliedAsync(200);
        await first.StopAsync();
        scene.Input.Produce(Effects.Records(1, 6000).Skip(4000));
        await scene.AppliedAsync(6000);
        await Effects.ShouldBeExactAsync(scene.Database, 6000);
        await scene.PublishedAsync(6000);
        second.HasLogged("the group does not know it").ShouldBeFalse();
        second.HasLogged("a new consumer begins").ShouldBeFalse();
    }

    [Fact]
    public async Task A_broker_that_does_not_know_the_consumer_protocol_is_named_with_the_way_out_and_nothing_is_lost()
    {
        if (!TestServers.IsEmbedded)
            Assert.Skip("This broker knows the consumer protocol.");
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 100));
        await using (var worker = await StartAsync(scene, GroupProtocol.Consumer))
        {
            await Eventually.HoldsAsync("it says so", () => worker.HasLogged("do not speak KIP-848") && worker.HasLogged("Set WorkerOptions.GroupProtocol to Classic"));
            worker.HasStopped.ShouldBeFalse("the broker may be upgraded");
        }
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect")).ShouldBe(0);
        await using var classic = await scene.StartAsync();
        await scene.AppliedAsync(100);
        await Effects.ShouldBeExactAsync(scene.Database, 100);
    }

    [Theory]
    [InlineData(GroupProtocol.Classic)]
    [InlineData(GroupProtocol.Consumer)]
    public async Task A_static_member_that_restarts_in_time_gets_its_partitions_back_and_the_other_keeps_its_own_undisturbed(GroupProtocol protocol)
    {
        SkipWhereUnknown(protocol);
        await using var scene = await Scene.CreateAsync();
        await using var staying = await StartAsync(scene, protocol, o => o.InstanceName = "staying");
        await Eventually.HoldsAsync("one has all", async () => await HasLedgerAsync(scene) && await EpochsAsync(scene) == "1 1 1 1");
        await using (await StartAsync(scene, protocol, o => o.InstanceName = "restarting"))
            await Eventually.HoldsAsync("they share", async () => await SumOfEpochsAsync(scene) == 6);
        var shared = await EpochsAsync(scene);
        scene.Input.Produce(Effects.Records(4, 400));

        await using var restarted = await StartAsync(scene, protocol, o => o.InstanceName = "restarting");
        await scene.AppliedAsync(400);
        await Effects.ShouldBeExactAsync(scene.Database, 400);
        // What it had before has its third epoch, what the other has stays in its first: no rebalance touched it.
        (await EpochsAsync(scene)).ShouldBe(shared.Replace('2', '3'));
    }

    [Fact]
    public async Task Of_two_processes_with_one_name_the_older_ends_its_host_with_an_incident_and_nothing_is_applied_twice()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        await using var older = await StartAsync(scene, GroupProtocol.Classic, o => o.InstanceName = "twin");
        scene.Input.Produce(Effects.Records(2, 2000));
        await scene.AppliedAsync(1);
        await using var newer = await StartAsync(scene, GroupProtocol.Classic, o => o.InstanceName = "twin");
        await Eventually.HoldsAsync("the host of the older ends", () => older.HasStopped);
        await Eventually.HoldsAsync("it says why", () => older.HasLogged("as instance 'twin'") && older.HasLogged("InstanceName of its own"));
        (await scene.Database.ScalarAsync<string>("SELECT detail->>'instance' FROM onceward.incident WHERE kind = 'instance_fenced' AND resolved_by IS NULL")).ShouldBe("twin");
        scene.Input.Produce(Effects.Records(2, 4000).Skip(2000));
        await scene.AppliedAsync(4000);
        await Effects.ShouldBeExactAsync(scene.Database, 4000);
        newer.HasStopped.ShouldBeFalse();
    }

    [Fact]
    public async Task With_the_consumer_protocol_the_newer_of_two_processes_with_one_name_waits_until_the_older_is_gone()
    {
        SkipWhereUnknown(GroupProtocol.Consumer);
        await using var scene = await Scene.CreateAsync(partitions: 1);
        await using var older = await StartAsync(scene, GroupProtocol.Consumer, o => o.InstanceName = "twin");
        scene.Input.Produce(Effects.Records(1, 100));
        await scene.AppliedAsync(100);
        await using var newer = await StartAsync(scene, GroupProtocol.Consumer, o => o.InstanceName = "twin");
        await Eventually.HoldsAsync("it says so", () => newer.HasLogged("still has a member of the name 'twin'"));
        scene.Input.Produce(Effects.Records(1, 200).Skip(100));
        await scene.AppliedAsync(200);
        (await EpochsAsync(scene)).ShouldBe("1", "the older goes on");
        await older.StopAsync();
        scene.Input.Produce(Effects.Records(1, 300).Skip(200));
        await scene.AppliedAsync(300);
        await Effects.ShouldBeExactAsync(scene.Database, 300);
        newer.HasStopped.ShouldBeFalse();
    }

    private static Task<TestWorker> StartAsync(Scene scene, GroupProtocol protocol, Action<WorkerOptions>? configure = null) => scene.StartAsync(w => scene.Sums(w).Configure(o =>
    {
        (o.GroupProtocol, o.CheckInterval, o.SessionTimeout) = (protocol, s_look, TimeSpan.FromSeconds(30));
        configure?.Invoke(o);
    }));

    private static Task<bool> HasLedgerAsync(Scene scene) => scene.Database.ScalarAsync<bool>("SELECT to_regclass('onceward.consumer_offset') IS NOT NULL");

    private static Task<string> EpochsAsync(Scene scene) => scene.Database.ScalarAsync<string>("SELECT coalesce(string_agg(epoch::text, ' ' ORDER BY partition), '') FROM onceward.consumer_offset");

    private static Task<long> SumOfEpochsAsync(Scene scene) => scene.Database.ScalarAsync<long>("SELECT sum(epoch)::bigint FROM onceward.consumer_offset");

    private static void SkipWhereUnknown(GroupProtocol protocol)
    {
        if (protocol is GroupProtocol.Consumer && TestServers.IsEmbedded)
            Assert.Skip("The embedded broker does not speak the consumer protocol (KIP-848).");
    }
}
