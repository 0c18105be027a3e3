using System.Diagnostics;
using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

public sealed class FetchTests
{
    [Fact]
    public async Task An_offset_in_the_middle_of_a_batch_brings_the_whole_batch()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a", "b", "c");
        await topic.WriteAsync("d");
        var batches = await topic.ReadAsync(1);
        batches.Select(b => b.BaseOffset).ShouldBe([0, 3]);
        batches[0].Count.ShouldBe(3);
        (await topic.ReadAsync(3)).ShouldHaveSingleItem().BaseOffset.ShouldBe(3);
    }

    [Fact]
    public async Task The_broker_sets_offset_and_leader_epoch_and_the_checksum_stays()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a");
        await topic.WriteAsync("b");
        var batch = (await topic.ReadAsync(1)).ShouldHaveSingleItem();
        batch.BaseOffset.ShouldBe(1);
        batch.LeaderEpoch.ShouldBe((int)(await topic.MetadataAsync(topic.Name)).Only("partitions").Number("leaderEpoch"));
    }

    [Fact]
    public async Task Nothing_new_is_an_empty_byte_string_not_null()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a");
        var reply = await topic.FetchAsync(1);
        reply.Error.ShouldBe(Code.None);
        reply.Bytes("records").ShouldNotBeNull().ShouldBeEmpty();
        reply.Number("highWatermark").ShouldBe(1);
        reply.Number("lastStableOffset").ShouldBe(1);
        reply.Number("logStartOffset").ShouldBe(0);
        reply.Number("preferredReadReplica").ShouldBe(-1);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    public async Task An_offset_beyond_either_end_is_out_of_range(long offset)
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a");
        var reply = await topic.FetchAsync(offset, maxWaitMs: 30_000); // which does not wait
        reply.Error.ShouldBe(Code.OffsetOutOfRange);
        (reply.Bytes("records")?.Length ?? 0).ShouldBe(0);
        reply.Number("highWatermark").ShouldBe(-1);
    }

    [Fact]
    public async Task An_unknown_topic_or_partition_is_an_error_of_the_partition()
    {
        await using var topic = await Topic.CreateAsync();
        (await topic.FetchAsync(0, partition: 5)).Error.ShouldBe(Code.UnknownTopicOrPartition);
        var reply = await topic.Connection.AskAsync(Api.Fetch, 11, new { topics = new[] { new { topic = Backend.Name("unknown"), partitions = new[] { new { partition = 0 } } } } });
        reply.Error.ShouldBe(Code.None);
        reply.Partition.Error.ShouldBe(Code.UnknownTopicOrPartition);
    }

    [Fact]
    public async Task A_waiting_fetch_is_answered_by_the_next_record()
    {
        await using var topic = await Topic.CreateAsync();
        await using var reader = await WireConnection.OpenAsync();
        var watch = Stopwatch.StartNew();
        await reader.SendAsync(Api.Fetch, 11, topic.FetchRequest(0, maxWaitMs: 40_000));
        await topic.WriteAsync("a");
        Batch.Read((await reader.AnswerAsync()).Partition.Bytes("records")).ShouldHaveSingleItem();
        watch.Elapsed.TotalSeconds.ShouldBeLessThan(35);
    }

    [Fact]
    public async Task A_fetch_waits_until_there_are_enough_bytes()
    {
        await using var topic = await Topic.CreateAsync();
        await using var reader = await WireConnection.OpenAsync();
        await reader.SendAsync(Api.Fetch, 11, topic.FetchRequest(0, maxWaitMs: 40_000, minBytes: 5_000));
        for (var i = 0; i < 6; i++)
            await topic.WriteAsync(new string('x', 1_000));
        var batches = Batch.Read((await reader.AnswerAsync()).Partition.Bytes("records"));
        batches.Sum(b => b.Size).ShouldBeGreaterThanOrEqualTo(5_000);
    }

    [Fact]
    public async Task A_fetch_without_enough_bytes_is_answered_when_its_time_is_up()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a");
        var watch = Stopwatch.StartNew();
        var reply = await topic.FetchAsync(0, maxWaitMs: 700, minBytes: 1 << 20);
        watch.Elapsed.TotalMilliseconds.ShouldBeGreaterThan(650);
        Batch.Read(reply.Bytes("records")).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task One_partition_out_of_range_ends_the_waiting_of_the_others()
    {
        await using var topic = await Topic.CreateAsync(2);
        var watch = Stopwatch.StartNew();
        await topic.Connection.AskAsync(Api.Fetch, 11, new
        {
            maxWaitMs = 40_000,
            topics = new[] { new { topic = topic.Name, partitions = new[] { new { partition = 0, fetchOffset = 0 }, new { partition = 1, fetchOffset = 9 } } } },
        });
        watch.Elapsed.TotalSeconds.ShouldBeLessThan(35);
    }

    [Fact]
    public async Task One_partition_that_is_not_there_does_not_end_the_waiting_of_the_others()
    {
        await using var topic = await Topic.CreateAsync();
        await using var reader = await WireConnection.OpenAsync();
        await reader.SendAsync(Api.Fetch, 11, new
        {
            maxWaitMs = 40_000,
            topics = new[] { new { topic = topic.Name, partitions = new[] { new { partition = 5 }, new { partition = 0 } } } },
        });
        await topic.WriteAsync("a");
        // An answer that had not waited would hold no record.
        var answer = await reader.AnswerAsync();
        var partitions = answer.List("responses").SelectMany(item => item.List("partitions")).ToDictionary(item => item.Number("partition"));
        partitions[5].Error.ShouldBe(Code.UnknownTopicOrPartition);
        Batch.Read(partitions[0].Bytes("records")).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task The_first_batch_comes_whole_even_if_it_is_larger_than_every_limit()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync(new string('x', 10_000));
        await topic.WriteAsync(new string('y', 10_000));
        var reply = await topic.FetchAsync(0, maxBytes: 100, partitionMaxBytes: 100);
        Batch.Read(reply.Bytes("records")).ShouldHaveSingleItem().BaseOffset.ShouldBe(0);
    }

    [Fact]
    public async Task Only_the_first_partition_with_data_may_exceed_the_limit_of_the_request()
    {
        await using var topic = await Topic.CreateAsync(2);
        byte[] large = new Batch { Values = [new string('x', 10_000)] };
        await topic.ProduceAsync(large, partition: 0);
        await topic.ProduceAsync(large, partition: 1);
        var reply = await topic.Connection.AskAsync(Api.Fetch, 11, new
        {
            maxBytes = 100,
            topics = new[] { new { topic = topic.Name, partitions = new[] { new { partition = 0 }, new { partition = 1 } } } },
        });
        reply.Only("responses").List("partitions").Count(p => Batch.Read(p.Bytes("records")).Count == 1).ShouldBe(1);
    }

    [Fact]
    public async Task The_limit_of_a_partition_is_kept_behind_its_first_batch()
    {
        await using var topic = await Topic.CreateAsync();
        for (var i = 0; i < 10; i++)
            await topic.WriteAsync(new string('x', 1_000));
        var bytes = (await topic.FetchAsync(0, partitionMaxBytes: 3_500)).Bytes("records")!;
        bytes.Length.ShouldBeLessThanOrEqualTo(3_500);
        Batch.Read(bytes).Count.ShouldBe(3);
    }

    [Fact]
    public async Task Topic_ids_are_the_names_of_later_versions()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a");
        object Request(Guid id) => new { topics = new[] { new { topicId = id, partitions = new[] { new { partition = 0 } } } } };
        var reply = await topic.Connection.AskAsync(Api.Fetch, 13, Request(await topic.IdAsync()));
        reply.Only("responses").Id("topicId").ShouldBe(await topic.IdAsync());
        Batch.Read(reply.Partition.Bytes("records")).ShouldHaveSingleItem();
        (await topic.Connection.AskAsync(Api.Fetch, 13, Request(Guid.NewGuid()))).Partition.Error.ShouldBe(Code.UnknownTopicId);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(9)]
    [InlineData(12)]
    public async Task Every_version_brings_the_records(int version)
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a", "b");
        var reply = await topic.Connection.AskAsync(Api.Fetch, version, topic.FetchRequest(0));
        Batch.Read(reply.Partition.Bytes("records")).ShouldHaveSingleItem().Count.ShouldBe(2);
    }
}
