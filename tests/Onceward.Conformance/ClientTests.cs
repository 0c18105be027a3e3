using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Onceward.Conformance;

/// <summary>What users do, through the library that they use.</summary>
public sealed class ClientTests
{
    [Theory]
    [InlineData(CompressionType.None)]
    [InlineData(CompressionType.Gzip)]
    [InlineData(CompressionType.Snappy)]
    [InlineData(CompressionType.Lz4)]
    [InlineData(CompressionType.Zstd)]
    public async Task What_is_written_is_read_in_order_whatever_compresses_it(CompressionType compression)
    {
        var topic = await Client.TopicAsync();
        var values = Enumerable.Range(0, 2_000).Select(i => $"value {i}").ToList();
        Client.Write(topic, values, c => (c.CompressionType, c.EnableIdempotence) = (compression, true));
        Client.Read(topic).ShouldBe(values);
    }

    [Fact]
    public async Task Keys_headers_timestamps_and_nulls_come_back()
    {
        var topic = await Client.TopicAsync();
        var stamp = new Timestamp(DateTimeOffset.UtcNow.AddMinutes(-5).ToUnixTimeMilliseconds(), TimestampType.CreateTime);
        using (var producer = Client.Producer())
        {
            await producer.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = "v", Timestamp = stamp, Headers = [new Header("h", "x"u8.ToArray()), new Header("n", null)] });
            await producer.ProduceAsync(topic, new Message<string, string> { Key = null!, Value = null! });
        }
        using var consumer = Client.Consumer();
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
        var first = consumer.Consume(TimeSpan.FromSeconds(30)).Message;
        (first.Key, first.Value, first.Timestamp).ShouldBe(("k", "v", stamp));
        Encoding.UTF8.GetString(first.Headers.GetLastBytes("h")).ShouldBe("x");
        first.Headers[1].GetValueBytes().ShouldBeNull();
        var second = consumer.Consume(TimeSpan.FromSeconds(30)).Message;
        (second.Key, second.Value).ShouldBe((null, null));
    }

    [Theory]
    [InlineData(PartitionAssignmentStrategy.Range)]
    [InlineData(PartitionAssignmentStrategy.RoundRobin)]
    [InlineData(PartitionAssignmentStrategy.CooperativeSticky)]
    public async Task Two_members_share_the_partitions_and_one_takes_over_when_the_other_leaves(PartitionAssignmentStrategy strategy)
    {
        var topic = await Client.TopicAsync(4);
        Client.Write(topic, Enumerable.Range(0, 100).Select(i => $"{i}"));
        var group = Backend.Name("group");
        void Configure(ConsumerConfig config) =>
            (config.PartitionAssignmentStrategy, config.EnableAutoCommit, config.EnableAutoOffsetStore, config.AutoCommitIntervalMs) = (strategy, true, false, 100);
        using var first = Client.Consumer(group, Configure);
        var second = Client.Consumer(group, Configure);
        first.Subscribe(topic);
        second.Subscribe(topic);
        var read = new HashSet<string>();
        void Poll(IConsumer<string, string> consumer)
        {
            if (consumer.Consume(TimeSpan.FromMilliseconds(50)) is not { IsPartitionEOF: false } result)
                return;
            read.Add(result.Message.Value);
            consumer.StoreOffset(result); // Committed in the background: a commit may meet a rebalance, which is no failure.
        }
        await PolledAsync("both have two partitions", () => first.Assignment.Count == 2 && second.Assignment.Count == 2, () => Poll(first), () => Poll(second));
        second.Close();
        second.Dispose();
        await PolledAsync("one has all", () => first.Assignment.Count == 4 && read.Count == 100, () => Poll(first));
    }

    [Fact]
    public async Task A_group_goes_on_where_it_committed()
    {
        var topic = await Client.TopicAsync();
        Client.Write(topic, ["a", "b", "c"]);
        var group = Backend.Name("group");
        using (var consumer = Client.Consumer(group))
        {
            consumer.Subscribe(topic);
            consumer.Consume(TimeSpan.FromSeconds(30)).Message.Value.ShouldBe("a");
            consumer.Commit();
            consumer.Close();
        }
        using var next = Client.Consumer(group);
        next.Subscribe(topic);
        next.Consume(TimeSpan.FromSeconds(30)).Message.Value.ShouldBe("b");
        next.Close();
    }

    [Fact]
    public async Task Committed_transactions_are_read_and_aborted_ones_are_not()
    {
        var topic = await Client.TopicAsync();
        using var producer = Client.Transactional(Backend.Name("transaction"));
        for (var i = 0; i < 4; i++)
        {
            producer.BeginTransaction();
            for (var j = 0; j < 10; j++)
                producer.Produce(topic, new Message<string, string> { Value = $"{i}.{j}" });
            producer.Flush(TimeSpan.FromSeconds(60)); // or an abort would throw away what is still here
            if (i % 2 == 0)
                producer.CommitTransaction(TimeSpan.FromSeconds(60));
            else
                producer.AbortTransaction(TimeSpan.FromSeconds(60));
        }
        var expected = from i in new[] { 0, 2 } from j in Enumerable.Range(0, 10) select $"{i}.{j}";
        await Eventually.HoldsAsync("the last transaction is settled", () => Task.FromResult(Client.Read(topic).Count == 20));
        Client.Read(topic).ShouldBe(expected);
        Client.Read(topic, isolation: IsolationLevel.ReadUncommitted).Count.ShouldBe(40);
    }

    [Fact]
    public async Task A_transaction_moves_the_groups_offset_with_its_records()
    {
        var input = await Client.TopicAsync();
        var output = await Client.TopicAsync();
        Client.Write(input, ["a", "b"]);
        var group = Backend.Name("group");
        using var producer = Client.Transactional(Backend.Name("transaction"));
        using (var consumer = Client.Consumer(group))
        {
            consumer.Subscribe(input);
            var result = consumer.Consume(TimeSpan.FromSeconds(30));
            producer.BeginTransaction();
            producer.Produce(output, new Message<string, string> { Value = result.Message.Value + "!" });
            producer.SendOffsetsToTransaction([new TopicPartitionOffset(result.TopicPartition, result.Offset + 1)], consumer.ConsumerGroupMetadata, TimeSpan.FromSeconds(60));
            producer.CommitTransaction(TimeSpan.FromSeconds(60));
            consumer.Close();
        }
        using var next = Client.Consumer(group);
        next.Subscribe(input);
        next.Consume(TimeSpan.FromSeconds(60)).Message.Value.ShouldBe("b");
        next.Close();
        Client.Read(output).ShouldBe(["a!"]);
    }

    [Fact]
    public async Task A_fenced_producer_learns_of_it()
    {
        var topic = await Client.TopicAsync();
        var id = Backend.Name("transaction");
        using var old = Client.Transactional(id);
        old.BeginTransaction();
        old.Produce(topic, new Message<string, string> { Value = "lost" });
        using var heir = Client.Transactional(id);
        var fenced = Should.Throw<KafkaException>(() => old.CommitTransaction(TimeSpan.FromSeconds(60)));
        fenced.Error.IsFatal.ShouldBeTrue();
        fenced.Error.Code.ShouldBeOneOf(ErrorCode.Local_Fenced, ErrorCode.ProducerFenced, ErrorCode.InvalidProducerEpoch);
        heir.BeginTransaction();
        heir.Produce(topic, new Message<string, string> { Value = "kept" });
        heir.CommitTransaction(TimeSpan.FromSeconds(60));
        await Eventually.HoldsAsync("its record is read", () => Task.FromResult(Client.Read(topic).Count > 0));
        Client.Read(topic).ShouldBe(["kept"]);
    }

    [Fact]
    public async Task Offsets_are_found_by_time_and_watermarks()
    {
        var topic = await Client.TopicAsync();
        var start = DateTimeOffset.UtcNow.AddHours(-1);
        using (var producer = Client.Producer())
            for (var i = 0; i < 10; i++)
                await producer.ProduceAsync(topic, new Message<string, string> { Value = $"{i}", Timestamp = new Timestamp(start.AddSeconds(i)) });
        using var consumer = Client.Consumer();
        var partition = new TopicPartition(topic, 0);
        var marks = consumer.QueryWatermarkOffsets(partition, TimeSpan.FromSeconds(30));
        (marks.Low.Value, marks.High.Value).ShouldBe((0, 10));
        consumer.OffsetsForTimes([new TopicPartitionTimestamp(partition, new Timestamp(start.AddSeconds(6.5)))], TimeSpan.FromSeconds(30)).Single().Offset.Value.ShouldBe(7);
    }

    [Fact]
    public async Task An_administrator_creates_describes_changes_and_deletes()
    {
        using var admin = Client.Admin();
        var topic = Backend.Name("admin");
        await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = 2, ReplicationFactor = 1, Configs = new() { ["retention.ms"] = "1000000" } }]);
        (await Should.ThrowAsync<CreateTopicsException>(() => admin.CreateTopicsAsync([new TopicSpecification { Name = topic }])))
            .Results.Single().Error.Code.ShouldBe(ErrorCode.TopicAlreadyExists);
        await admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = topic, IncreaseTo = 3 }]);
        var resource = new ConfigResource { Type = ResourceType.Topic, Name = topic };
        await admin.IncrementalAlterConfigsAsync(new() { [resource] = [new ConfigEntry { Name = "retention.ms", Value = "2000000", IncrementalOperation = AlterConfigOpType.Set }] });
        await Eventually.HoldsAsync("the change is seen", async () => (await admin.DescribeConfigsAsync([resource])).Single().Entries["retention.ms"].Value == "2000000");
        await Eventually.HoldsAsync("three partitions", async () =>
            (await admin.DescribeTopicsAsync(TopicCollection.OfTopicNames([topic]))).TopicDescriptions.Single().Partitions.Count == 3);
        Client.Write(topic, ["a", "b", "c", "d", "e"]);
        var deleted = await admin.DeleteRecordsAsync(Enumerable.Range(0, 3).Select(p => new TopicPartitionOffset(topic, p, Offset.End)));
        deleted.Sum(d => d.Offset.Value).ShouldBe(5);
        (await admin.DescribeClusterAsync()).Nodes.ShouldNotBeEmpty();
        await admin.DeleteTopicsAsync([topic]);
        await Eventually.HoldsAsync("it is gone", () => Task.FromResult(admin.GetMetadata(TimeSpan.FromSeconds(30)).Topics.TrueForAll(t => t.Topic != topic)));
    }

    [Fact]
    public async Task An_administrator_sees_and_moves_groups()
    {
        using var admin = Client.Admin();
        var topic = await Client.TopicAsync();
        Client.Write(topic, ["a"]);
        var group = Backend.Name("group");
        using (var consumer = Client.Consumer(group))
        {
            consumer.Subscribe(topic);
            consumer.Commit([new TopicPartitionOffset(topic, 0, consumer.Consume(TimeSpan.FromSeconds(30)).Offset + 1)]);
            var described = (await admin.DescribeConsumerGroupsAsync([group])).ConsumerGroupDescriptions.Single();
            described.State.ShouldBe(ConsumerGroupState.Stable);
            described.Members.Single().Assignment.TopicPartitions.ShouldBe([new TopicPartition(topic, 0)]);
            consumer.Close();
        }
        (await admin.ListConsumerGroupsAsync()).Valid.Select(g => g.GroupId).ShouldContain(group);
        admin.ListGroup(group, TimeSpan.FromSeconds(30)).Group.ShouldBe(group);
        await admin.AlterConsumerGroupOffsetsAsync([new ConsumerGroupTopicPartitionOffsets(group, [new TopicPartitionOffset(topic, 0, 0)])]);
        var offsets = await admin.ListConsumerGroupOffsetsAsync([new ConsumerGroupTopicPartitions(group, [new TopicPartition(topic, 0)])]);
        offsets.Single().Partitions.Single().Offset.Value.ShouldBe(0);
        await admin.DeleteConsumerGroupOffsetsAsync(group, [new TopicPartition(topic, 0)]);
        // The last offset of an empty group took the group with it on Apache Kafka.
        var gone = await Should.ThrowAsync<DeleteGroupsException>(async () =>
        {
            await admin.DeleteGroupsAsync([group]);
            await admin.DeleteGroupsAsync([group]);
        });
        gone.Results.Single().Error.Code.ShouldBe(ErrorCode.GroupIdNotFound);
    }

    private static async Task PolledAsync(string what, Func<bool> condition, params Action[] polls) => await Eventually.HoldsAsync(what, () =>
    {
        foreach (var poll in polls)
            poll();
        return Task.FromResult(condition());
    });
}
