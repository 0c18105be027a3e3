using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Onceward.Outbox;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

/// <summary>A relay's transaction of which Kafka committed the positions and not everything else: acted by a producer under the relay's name.</summary>
public sealed class HalfCommittedTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task What_the_last_transaction_lost_is_published_once_and_in_order(int lost)
    {
        await using var scene = await Scene.CreateAsync();
        await PublishAsync(scene, 0, 400);
        await QueueAsync(scene, 400, 800);
        var lostKeys = scene.Output.ReadCommitted().Where(m => m.Partition == lost).Select(m => m.Message.Key).ToHashSet();
        await EndHalfAsync(scene, 400, lostKeys);
        (scene.Output.ReadCommitted().Count is > 400 and < 800).ShouldBeTrue("some are missing, some are there");

        await using var worker = await scene.StartAsync(configure: OneSlot);
        await scene.PublishedAsync(800);
        scene.Input.Produce(Effects.Records(4, 1000).Skip(800));
        await scene.PublishedAsync(1000);
        (await scene.Database.ScalarAsync<string>("SELECT kind || ' ' || resolved_by FROM onceward.incident")).ShouldBe("transaction_half_committed automatic");
    }

    [Fact]
    public async Task A_transaction_that_ended_whole_is_found_whole_behind_one_of_somebody_else_s()
    {
        await using var scene = await Scene.CreateAsync();
        await PublishAsync(scene, 0, 400);
        await QueueAsync(scene, 400, 800);
        await EndHalfAsync(scene, 400);
        using var another = new ProducerBuilder<string, string>(new ProducerConfig { BootstrapServers = TestServers.Kafka, TransactionalId = $"another-{Guid.NewGuid():N}" }).Build();
        another.InitTransactions(TimeSpan.FromSeconds(30));
        another.BeginTransaction();
        await another.ProduceAsync(new TopicPartition(scene.Output.Name, 0), new Message<string, string> { Key = "another", Value = "\"another:0\"" }, TestContext.Current.CancellationToken);
        await using var worker = await scene.StartAsync(configure: OneSlot);
        scene.Input.Produce(Effects.Records(4, 1000).Skip(800));
        await scene.AppliedAsync(1000);
        another.AbortTransaction();
        await scene.PublishedAsync(1000);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.incident")).ShouldBe(0);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(-1)] // All of it.
    public async Task Where_the_topic_has_not_everything_any_more_nothing_is_published_twice(int until)
    {
        await using var scene = await Scene.CreateAsync();
        await QueueAsync(scene, 0, 400);
        await EndHalfAsync(scene, 0);
        using var admin = TestTopic.Admin();
        await admin.DeleteRecordsAsync([new TopicPartitionOffset(scene.Output.Name, 0, until), new TopicPartitionOffset(scene.Output.Name, 1, until)]);
        await using var worker = await scene.StartAsync(configure: OneSlot);
        scene.Input.Produce(Effects.Records(4, 500).Skip(400));
        await scene.AppliedAsync(500);
        await scene.PublishedAsync(until < 0 ? 100 : 490);
    }

    [Fact]
    public async Task Of_a_database_that_took_another_way_nothing_is_published()
    {
        await using var scene = await Scene.CreateAsync();
        await QueueAsync(scene, 0, 400);
        await EndHalfAsync(scene, 0);
        await scene.Database.ExecuteAsync("UPDATE onceward.outbox SET value = 'another'");
        await using var worker = await scene.StartAsync(configure: OneSlot);
        await Eventually.HoldsAsync("all channels stand still", async () => await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.incident") == 4);
        (await scene.Database.ColumnAsync<string>("SELECT DISTINCT kind FROM onceward.incident")).ShouldBe(["channel_diverged"]);
        scene.Output.ReadCommitted().Count.ShouldBe(400);
    }

    private static void OneSlot(OncewardOptions options) => options.Relay.Slots = 1;

    private static async Task PublishAsync(Scene scene, int from, int to)
    {
        scene.Input.Produce(Effects.Records(4, to).Skip(from));
        await using var worker = await scene.StartAsync(configure: OneSlot);
        await scene.PublishedAsync(to);
    }

    /// <summary>Records that are applied, and whose messages wait.</summary>
    private static async Task QueueAsync(Scene scene, int from, int to)
    {
        scene.Input.Produce(Effects.Records(4, to).Skip(from));
        await using var worker = await scene.StartAsync(configure: o => (o.Relay.Slots, o.Relay.Enabled) = (1, false));
        await scene.AppliedAsync(to);
    }

    /// <summary>The messages of the records from <paramref name="from"/> on, as a relay publishes them, but for those that a broken coordinator does not commit.</summary>
    private static async Task EndHalfAsync(Scene scene, int from, HashSet<string>? lostKeys = null)
    {
        var positions = new TopicPartition($"{scene.Application}.relay", 0);
        if (from == 0)
        {
            using var admin = TestTopic.Admin();
            await admin.CreateTopicsAsync([new TopicSpecification { Name = positions.Topic, NumPartitions = 1, ReplicationFactor = 1 }]);
        }
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig
        {
            BootstrapServers = TestServers.Kafka, TransactionalId = $"{scene.Application}-relay-0", Partitioner = Partitioner.Murmur2Random,
        }).Build();
        producer.InitTransactions(TimeSpan.FromSeconds(30));
        producer.BeginTransaction();
        var (last, first, began) = (new Dictionary<int, ChannelPosition>(), from / scene.Input.Partitions, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        foreach (var row in await RowsAsync(scene, first))
        {
            last[row.Channel] = new ChannelPosition(row.Channel, row.Seq + 1, row.Hash(), "system", 1, first, began);
            if (lostKeys?.Contains(Encoding.UTF8.GetString(row.Key!)) is not true)
                producer.Produce(row.Topic, RelayProducer.Message(row));
        }
        foreach (var position in last.Values)
            producer.Produce(positions, new Message<byte[], byte[]> { Key = [1], Value = position.Encode() });
        producer.CommitTransaction(TimeSpan.FromSeconds(30));
    }

    private static async Task<List<OutboxRow>> RowsAsync(Scene scene, int fromSeq)
    {
        await using var command = scene.Database.Source.CreateCommand(
            $"SELECT channel_id, seq, topic, key, value, headers FROM onceward.outbox WHERE seq >= {fromSeq} ORDER BY channel_id, seq");
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<OutboxRow>();
        while (await reader.ReadAsync())
            rows.Add(new OutboxRow(reader.GetInt32(0), reader.GetInt64(1), reader.GetString(2), reader[3] as byte[], reader[4] as byte[], (byte[])reader[5]));
        return rows;
    }
}
