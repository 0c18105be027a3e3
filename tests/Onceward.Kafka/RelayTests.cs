using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

public sealed class RelayTests
{
    [Fact]
    public async Task Two_relays_of_one_application_publish_every_message_once_and_old_positions_are_deleted()
    {
        await using var scene = await Scene.CreateAsync();
        scene.Input.Produce(Effects.Records(4, 6000));
        await using (await scene.StartAsync(configure: Small))
        await using (await scene.StartAsync(configure: Small))
            await scene.PublishedAsync(6000);
        scene.Input.Produce(Effects.Records(4, 9000).Skip(6000));
        await using var successor = await scene.StartAsync(configure: Small);
        await scene.PublishedAsync(9000);
        using var admin = TestTopic.Admin();
        var first = await admin.ListOffsetsAsync([new TopicPartitionOffsetSpec { TopicPartition = new TopicPartition($"{scene.Application}.relay", 0), OffsetSpec = OffsetSpec.Earliest() }]);
        first.ResultInfos[0].TopicPartitionOffsetError.Offset.Value.ShouldBePositive();
        await Eventually.HoldsAsync("published rows are removed but for the last of each channel", async () => await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.outbox") == 4);
    }

    [Theory]
    [InlineData("UPDATE onceward.outbox SET value = 'another' WHERE channel_id = 1", "is not the one that was published")]
    [InlineData("DELETE FROM onceward.outbox WHERE channel_id = 1", "the database went back")]
    public async Task A_database_that_went_back_stops_the_channel_and_no_other(string tamper, string fault)
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(2, 20));
        await using (await scene.StartAsync())
            await scene.PublishedAsync(20);
        await scene.Database.ExecuteAsync(tamper);
        scene.Input.Produce(Effects.Records(2, 40).Skip(20));
        await using var worker = await scene.StartAsync();
        await scene.IncidentAsync("channel_diverged");
        (await scene.Database.ScalarAsync<string>("SELECT detail->>'fault' FROM onceward.incident")).ShouldContain(fault);
        await Eventually.HoldsAsync("the other channel goes on", () => scene.Output.ReadCommitted().Count == 30);
    }

    [Fact]
    public async Task Of_a_channel_that_stands_still_no_row_is_removed()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(2, 20));
        await using (await scene.StartAsync())
            await scene.PublishedAsync(20);
        // As after a fail-over to a server that was behind, on which workers have gone on: its copy of the position is older, and other rows are there.
        await scene.Database.ExecuteAsync("""
            UPDATE onceward.outbox_channel SET relayed_seq = relayed_seq - 5 WHERE id = 1;
            UPDATE onceward.outbox SET value = 'another' WHERE channel_id = 1;
            INSERT INTO onceward.outbox (channel_id, seq, topic, key, value, headers)
            SELECT channel_id, seq - n, topic, key, value, headers FROM onceward.outbox, generate_series(1, 4) AS n WHERE channel_id = 1;
            """);
        await using (await scene.StartAsync())
        {
            await scene.IncidentAsync("channel_diverged");
            scene.Input.Produce(Effects.Records(2, 40).Skip(20));
            await Eventually.HoldsAsync("the other channel's position is copied", async () =>
                await scene.Database.ScalarAsync<long>("SELECT relayed_seq FROM onceward.outbox_channel WHERE id = 2") == 20);
        }
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.outbox WHERE channel_id = 1 AND value = 'another'")).ShouldBe(5);
        (await scene.Database.ScalarAsync<long>("SELECT relayed_seq FROM onceward.outbox_channel WHERE id = 1")).ShouldBe(5);
    }

    [Fact]
    public async Task A_channel_that_stands_still_goes_on_with_the_row_that_a_person_chooses_and_stays_so()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(2, 20));
        await using (await scene.StartAsync())
            await scene.PublishedAsync(20);
        await scene.Database.ExecuteAsync("UPDATE onceward.outbox SET value = 'another' WHERE channel_id = 1");
        scene.Input.Produce(Effects.Records(2, 40).Skip(20));
        var (channels, token) = (new OutboxChannels(scene.Database.Source), TestContext.Current.CancellationToken);
        await using (await scene.StartAsync())
        {
            await scene.IncidentAsync("channel_diverged");
            await Eventually.HoldsAsync("the other channel goes on", () => scene.Output.ReadCommitted().Count == 30);
            (await Should.ThrowAsync<OncewardException>(() => channels.ReleaseAsync(2, 0, new Intervention("me"), token))).Message.ShouldContain("does not stand still");
            await Eventually.HoldsAsync("all rows are there", async () => (await channels.RowsAsync(1, cancellationToken: token)).Count == 11);
            (await channels.ListAsync(cancellationToken: token)).Where(c => c.StandsStill).Select(c => c.Id).ShouldBe([1]);
            var would = await channels.ReleaseAsync(1, 10, new Intervention("me", DryRun: true), token);
            var released = await channels.ReleaseAsync(1, 10, new Intervention("me"), token);
            (released.Published, released.Dropped).ShouldBe((10, 1));
            released.ShouldBe(would with { Successor = released.Successor });
            await scene.PublishedAsync(40);
        }
        await using var next = await scene.StartAsync();
        scene.Input.Produce(Effects.Records(2, 60).Skip(40));
        await scene.PublishedAsync(60);
        (await scene.Database.ColumnAsync<string>("SELECT kind || ' ' || resolved_by FROM onceward.incident ORDER BY id")).ShouldBe(["channel_diverged me", "channel_released me"]);
    }

    [Fact]
    public async Task A_channel_whose_row_is_mended_goes_on_by_itself_and_its_incident_is_over()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using (await scene.StartAsync())
            await scene.PublishedAsync(10);
        await scene.Database.ExecuteAsync("CREATE TABLE kept AS TABLE onceward.outbox; UPDATE onceward.outbox SET value = 'another'");
        scene.Input.Produce(Effects.Records(1, 20).Skip(10));
        await using var worker = await scene.StartAsync();
        await scene.IncidentAsync("channel_diverged");
        await scene.Database.ExecuteAsync("UPDATE onceward.outbox o SET value = k.value FROM kept k WHERE o.seq = k.seq");
        await scene.PublishedAsync(20);
        (await scene.Database.ScalarAsync<string>("SELECT resolved_by FROM onceward.incident")).ShouldBe("the channel went on");
    }

    [Fact]
    public async Task Workers_behind_a_pooler_publish_every_message_once_where_the_slots_are_locked_directly()
    {
        await using var scene = await Scene.CreateAsync();
        var pooler = TestServers.PgBouncer(scene.Database);
        scene.Input.Produce(Effects.Records(4, 2000));
        await using (await StartAsync())
        await using (await StartAsync())
            await scene.PublishedAsync(2000);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect")).ShouldBe(2000);

        Task<TestWorker> StartAsync() => TestWorker.StartAsync(
            pooler, scene.Application, o => o.AddWorker("sums", w => scene.Sums(w)), o => o.Relay.LockConnection = scene.Database.ConnectionString);
    }

    [Fact]
    public async Task Another_number_of_slots_than_the_relay_topic_was_created_with_stops_the_host()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using (await scene.StartAsync())
            await scene.PublishedAsync(10);
        await using var worker = await scene.StartAsync(configure: o => o.Relay.Slots = 3);
        await Eventually.HoldsAsync("the host stops", () => worker.HasStopped);
    }

    private static void Small(OncewardOptions options)
    {
        options.Relay.MaxRows = 100;
        options.Relay.SnapshotEvery = 5;
    }
}
