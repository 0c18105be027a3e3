using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

public sealed class ListOffsetsTests
{
    private static readonly long Start = DateTimeOffset.UtcNow.AddHours(-1).ToUnixTimeMilliseconds();

    [Fact]
    public async Task Latest_is_the_end_and_earliest_the_start_of_the_log()
    {
        await using var topic = await Topic.CreateAsync();
        (await topic.ListOffsetsAsync(-1)).Number("offset").ShouldBe(0);
        (await topic.ListOffsetsAsync(-2)).Number("offset").ShouldBe(0);
        await topic.WriteAsync("a", "b");
        var latest = await topic.ListOffsetsAsync(-1);
        latest.Number("offset").ShouldBe(2);
        latest.Number("timestamp").ShouldBe(-1);
        (await topic.ListOffsetsAsync(-2)).Number("offset").ShouldBe(0);
        (await topic.ListOffsetsAsync(-4, version: 8)).Number("offset").ShouldBe(0);
    }

    [Fact]
    public async Task The_largest_timestamp_comes_with_its_offset()
    {
        await using var topic = await Topic.CreateAsync();
        var none = await topic.ListOffsetsAsync(-3);
        none.Number("offset").ShouldBe(-1);
        none.Number("timestamp").ShouldBe(-1);
        await topic.ProduceAsync(new Batch { Values = ["a", "b", "c"], Timestamp = Start, TimestampDeltas = [0, 500, 100] });
        await topic.ProduceAsync(new Batch { Values = ["d"], Timestamp = Start, TimestampDeltas = [200] });
        var largest = await topic.ListOffsetsAsync(-3);
        largest.Number("offset").ShouldBe(1);
        largest.Number("timestamp").ShouldBe(Start + 500);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(1, 1, 100)]
    [InlineData(100, 1, 100)]
    [InlineData(101, 2, 300)]
    [InlineData(250, 2, 300)]
    [InlineData(301, 4, 400)]
    public async Task A_timestamp_finds_the_first_record_that_is_not_older(long asked, long offset, long found)
    {
        await using var topic = await Topic.CreateAsync();
        await topic.ProduceAsync(new Batch { Values = ["a", "b"], Timestamp = Start, TimestampDeltas = [0, 100] });
        await topic.ProduceAsync(new Batch { Values = ["c", "d"], Timestamp = Start, TimestampDeltas = [300, 200] }); // not in order
        await topic.ProduceAsync(new Batch { Values = ["e"], Timestamp = Start + 400 });
        var reply = await topic.ListOffsetsAsync(Start + asked);
        reply.Error.ShouldBe(Code.None);
        reply.Number("offset").ShouldBe(offset);
        reply.Number("timestamp").ShouldBe(Start + found);
    }

    [Fact]
    public async Task A_timestamp_behind_all_records_finds_nothing()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.ProduceAsync(new Batch { Values = ["a"], Timestamp = Start });
        var reply = await topic.ListOffsetsAsync(Start + 1);
        reply.Error.ShouldBe(Code.None);
        reply.Number("offset").ShouldBe(-1);
        reply.Number("timestamp").ShouldBe(-1);
    }

    [Fact]
    public async Task The_first_version_answers_too()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a");
        (await topic.ListOffsetsAsync(-1, version: 1)).Number("offset").ShouldBe(1);
        (await topic.ListOffsetsAsync(Start, version: 1)).Number("offset").ShouldBe(0);
    }

    [Fact]
    public async Task An_unknown_partition_is_an_error()
    {
        await using var topic = await Topic.CreateAsync();
        (await topic.ListOffsetsAsync(-1, partition: 3)).Error.ShouldBe(Code.UnknownTopicOrPartition);
    }

    [Fact]
    public async Task Records_before_the_start_of_the_log_are_not_found()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a", "b", "c");
        await topic.Connection.AskAsync(Api.DeleteRecords, 1, new { topics = new[] { new { name = topic.Name, partitions = new[] { new { partitionIndex = 0, offset = 2 } } } } });
        (await topic.ListOffsetsAsync(-2)).Number("offset").ShouldBe(2);
        (await topic.ListOffsetsAsync(Start)).Number("offset").ShouldBe(2);
    }
}
