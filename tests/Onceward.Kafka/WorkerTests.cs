using Confluent.Kafka;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

public sealed class WorkerTests
{
    [Fact]
    public async Task Two_workers_share_the_partitions_and_one_takes_over_when_the_other_stops()
    {
        await using var scene = await Scene.CreateAsync();
        await using var first = await scene.StartAsync();
        await using var second = await scene.StartAsync();
        scene.Input.Produce(Effects.Records(4, 4000));
        await scene.AppliedAsync(1);
        await first.StopAsync();
        scene.Input.Produce(Effects.Records(4, 8000).Skip(4000));
        await scene.AppliedAsync(8000);
        await Effects.ShouldBeExactAsync(scene.Database, 8000);
        await scene.PublishedAsync(8000);
    }

    [Fact]
    public async Task Sessions_that_the_server_ends_all_the_time_cost_nothing_but_time()
    {
        await using var scene = await Scene.CreateAsync();
        await using var worker = await scene.StartAsync(w => w.From(scene.Input.Name).Handle<Deposit, DepositHandler>().Configure(o => o.Lanes.MaxRecords = 100));
        scene.Input.Produce(Effects.Records(4, 8000));
        await Eventually.HoldsAsync("8,000 effects", async () =>
        {
            await scene.Database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.3");
            return await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect") >= 8000;
        });
        await Effects.ShouldBeExactAsync(scene.Database, 8000);
        await scene.PublishedAsync(8000);
    }

    [Fact]
    public async Task Nothing_of_an_aborted_transaction_is_applied_and_the_position_passes_its_control_records()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        await using var worker = await scene.StartAsync();
        scene.Input.Produce(Effects.Records(1, 50), transactionalId: scene.Application);
        Abort(scene, Effects.Records(1, 70).Skip(50));
        scene.Input.Produce(Effects.Records(1, 100).Skip(50), transactionalId: scene.Application);
        await scene.AppliedAsync(100);
        await Effects.ShouldBeExactAsync(scene.Database, 100);
        // 50 + marker, 20 aborted + marker, 50 + marker.
        await Eventually.HoldsAsync("the position reaches the end", async () => await scene.Database.ScalarAsync<long>("SELECT next_offset FROM onceward.consumer_offset") == 123);
    }

    [Fact]
    public async Task A_dead_letter_arrives_on_its_topic_with_its_bytes_and_its_reason()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        var letters = await TestTopic.CreateAsync("in", suffix: ".dlq");
        await using var worker = await scene.StartAsync(w => w.From(scene.Input.Name).Handle<Deposit, DepositHandler>().DeadLetterTo(letters.Name));
        var records = Effects.Records(1, 3).ToArray();
        records[1].Value = "not json"u8.ToArray();
        scene.Input.Produce(records);
        await scene.AppliedAsync(2);
        await Eventually.HoldsAsync("the dead letter", () => letters.ReadCommitted().Count == 1);
        var letter = letters.ReadCommitted().Single().Message;
        letter.Value.ShouldBe("not json"u8.ToArray());
        letter.Key.ShouldBe(records[1].Key);
        letter.Headers.Text("onceward-dlq-reason").ShouldBe(ErrorCodes.Undecodable);
        letter.Headers.Text("onceward-dlq-offset").ShouldBe("1");
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.dead_letter")).ShouldBe(1);
    }

    [Fact]
    public async Task The_group_mirrors_what_was_applied()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        scene.Input.Produce(Effects.Records(1, 100));
        await using var worker = await scene.StartAsync(w => w.From(scene.Input.Name).HandleBatch<Deposit, DepositBatchHandler>().Configure(o => o.MirrorInterval = TimeSpan.FromSeconds(1)));
        await scene.AppliedAsync(100);
        using var admin = TestTopic.Admin();
        var group = new ConsumerGroupTopicPartitions($"{scene.Application}.sums", [new TopicPartition(scene.Input.Name, 0)]);
        await Eventually.HoldsAsync("the group's offset", async () => (await admin.ListConsumerGroupOffsetsAsync([group]))[0].Partitions[0].Offset == 100);
    }

    private static void Abort(Scene scene, IEnumerable<(int Partition, string Key, byte[] Value)> records)
    {
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = TestServers.Kafka, TransactionalId = scene.Application }).Build();
        producer.InitTransactions(TimeSpan.FromSeconds(30));
        producer.BeginTransaction();
        foreach (var (partition, key, value) in records)
            producer.Produce(new TopicPartition(scene.Input.Name, partition), new Message<string, byte[]> { Key = key, Value = value });
        producer.Flush(TimeSpan.FromSeconds(30));
        producer.AbortTransaction(TimeSpan.FromSeconds(30));
    }
}
