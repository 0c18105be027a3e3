using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

/// <summary>A topic that is not the one it was, or not there.</summary>
public sealed class TopicTests
{
    [Fact]
    public async Task A_topic_that_was_created_again_while_its_workers_were_stopped_is_not_read_and_another_topic_goes_on()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        var other = await TestTopic.CreateAsync("in");
        scene.Input.Produce(Effects.Records(1, 10));
        await using (await scene.StartAsync(w => scene.Sums(w).From(other.Name).HandleBatch<Deposit, DepositBatchHandler>()))
            await scene.AppliedAsync(10);
        await scene.RecreateInputAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(1, 20));
        await using var worker = await scene.StartAsync(w => scene.Sums(w).From(other.Name).HandleBatch<Deposit, DepositBatchHandler>());
        other.Produce(Effects.Records(1, 5));
        await scene.IncidentAsync("topic_recreated");
        await Eventually.HoldsAsync("the other topic goes on", async () => await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect") == 15);
        (await scene.StoppedAsync()).ShouldBe([0]);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.consumer_offset")).ShouldBe(2, "the partition that only the new topic has is not begun");
        worker.HasLogged("deleted and created again").ShouldBeTrue();
    }

    [Theory]
    [InlineData(4)] // the log is shorter: the position is out of range
    [InlineData(40)] // the log is longer: the position is another record's
    public async Task A_topic_that_was_created_again_while_it_was_read_stops_its_partitions(int records)
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using var worker = await scene.StartAsync(w => scene.Sums(w).Configure(o => o.CheckInterval = TimeSpan.FromMilliseconds(200)));
        await scene.AppliedAsync(10);
        await scene.RecreateInputAsync(partitions: 1);
        await scene.IncidentAsync("topic_recreated");
        scene.Input.Produce(Effects.Records(1, records));
        await Eventually.HoldsAsync("the partition is stopped", async () => (await scene.StoppedAsync()).Count == 1);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect")).ShouldBe(10);
        (await scene.Database.ScalarAsync<long>("SELECT next_offset FROM onceward.consumer_offset")).ShouldBe(10);
        (await scene.Database.ScalarAsync<bool>("SELECT from_offset <= 10 AND to_offset IS NOT DISTINCT FROM CASE WHEN detail->>'reason' LIKE '%while it was read' THEN 10 END FROM onceward.incident WHERE kind = 'topic_recreated'"))
            .ShouldBeTrue("what was applied since the last good look is named");
    }

    [Fact]
    public async Task A_topic_that_is_deleted_is_said_to_be_missing_and_another_topic_goes_on()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        var other = await TestTopic.CreateAsync("in");
        await using var worker = await scene.StartAsync(w =>
            scene.Sums(w).From(other.Name).HandleBatch<Deposit, DepositBatchHandler>().Configure(o => o.CheckInterval = TimeSpan.FromMilliseconds(200)));
        scene.Input.Produce(Effects.Records(1, 10));
        await scene.AppliedAsync(10);
        using (var admin = TestTopic.Admin())
            await admin.DeleteTopicsAsync([scene.Input.Name]);
        await scene.IncidentAsync("topic_missing");
        other.Produce(Effects.Records(1, 5));
        await scene.AppliedAsync(15);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.incident")).ShouldBe(1);
        await scene.RecreateInputAsync(partitions: 1);
        await Eventually.HoldsAsync("it is not missing any more", async () =>
            await scene.Database.ScalarAsync<string>("SELECT coalesce(resolved_by, '') FROM onceward.incident WHERE kind = 'topic_missing'") == "automatic");
    }

    [Fact]
    public async Task A_topic_that_does_not_exist_yet_is_waited_for()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        var name = $"late-{Guid.NewGuid():N}";
        await using var worker = await scene.StartAsync(w => w.From(name).HandleBatch<Deposit, DepositBatchHandler>());
        await Eventually.HoldsAsync("it says so", () => worker.HasLogged("cannot start yet"));
        using (var admin = TestTopic.Admin())
            await admin.CreateTopicsAsync([new TopicSpecification { Name = name, NumPartitions = 1, ReplicationFactor = 1 }]);
        TestTopic.Existing(name).Produce(Effects.Records(1, 10));
        await scene.AppliedAsync(10);
    }

    [Fact]
    public async Task A_growth_that_nobody_announced_is_noted_and_the_new_partition_read_from_its_first_record()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 10));
        await using var worker = await scene.StartAsync(w => scene.Sums(w).StartAt(StartAt.Latest).Configure(o =>
        {
            o.CheckInterval = TimeSpan.FromMilliseconds(200);
            o.Consumer["topic.metadata.refresh.interval.ms"] = "500";
        }));
        await scene.IncidentAsync("started_at_latest");
        (await scene.Database.ScalarAsync<string>("SELECT from_offset || '-' || to_offset || ' ' || resolved_by FROM onceward.incident")).ShouldBe("0-10 automatic");
        scene.Input.Produce(Effects.Records(1, 15).Skip(10));
        await scene.AppliedAsync(5);
        using (var admin = TestTopic.Admin())
            await admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = scene.Input.Name, IncreaseTo = 2 }]);
        await Eventually.HoldsAsync("the partition can be written", () =>
        {
            try
            {
                scene.Input.Produce([(1, "new", Effects.Records(1, 1).Single().Value)]);
                return true;
            }
            catch (KafkaException)
            {
                return false;
            }
        });
        await Eventually.HoldsAsync("the first record of the new partition", async () =>
            await scene.Database.ScalarAsync<long>("""SELECT count(*) FROM effect WHERE partition = 1 AND "offset" = 0""") == 1);
        (await scene.Database.ScalarAsync<long>("""SELECT min("offset") FROM effect WHERE partition = 0""")).ShouldBe(10);
        await scene.IncidentAsync("partitions_grown");
        (await scene.Database.ScalarAsync<string>("SELECT (detail->>'from') || '>' || (detail->>'to') FROM onceward.incident WHERE kind = 'partitions_grown'")).ShouldBe("1>2");
    }
}
