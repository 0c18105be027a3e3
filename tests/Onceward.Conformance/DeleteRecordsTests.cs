using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

public sealed class DeleteRecordsTests
{
    [Fact]
    public async Task The_log_begins_where_it_was_told_to_even_inside_a_batch()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a", "b", "c", "d");
        (await DeleteAsync(topic, 2)).Number("lowWatermark").ShouldBe(2);
        (await topic.ListOffsetsAsync(-2)).Number("offset").ShouldBe(2);
        (await topic.FetchAsync(1)).Error.ShouldBe(Code.OffsetOutOfRange);
        var reply = await topic.FetchAsync(2);
        (reply.Error, reply.Number("logStartOffset")).ShouldBe((Code.None, 2));
        Batch.Read(reply.Bytes("records")).ShouldHaveSingleItem().BaseOffset.ShouldBe(0);
        (await topic.EndAsync()).ShouldBe(4);
    }

    [Fact]
    public async Task Minus_one_means_all()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a", "b");
        (await DeleteAsync(topic, -1)).Number("lowWatermark").ShouldBe(2);
        (await topic.ReadAsync(2)).ShouldBeEmpty();
        (await topic.WriteAsync("c")).ShouldBe(2);
    }

    [Fact]
    public async Task Beyond_the_end_is_out_of_range_and_before_the_start_changes_nothing()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a", "b");
        (await DeleteAsync(topic, 3)).Error.ShouldBe(Code.OffsetOutOfRange);
        (await DeleteAsync(topic, 2)).Error.ShouldBe(Code.None);
        var before = await DeleteAsync(topic, 1);
        (before.Error, before.Number("lowWatermark")).ShouldBe((Code.None, 2));
        (await DeleteAsync(topic, 0, partition: 5)).Error.ShouldBe(Code.UnknownTopicOrPartition);
    }

    private static async Task<Reply> DeleteAsync(Topic topic, long offset, int partition = 0) => (await topic.Connection.AskAsync(Api.DeleteRecords, 1, new
    {
        topics = new[] { new { name = topic.Name, partitions = new[] { new { partitionIndex = partition, offset } } } },
    })).Partition;
}
