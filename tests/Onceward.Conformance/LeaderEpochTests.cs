using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

public sealed class LeaderEpochTests
{
    [Fact]
    public async Task A_reader_that_knows_a_later_epoch_than_the_broker_is_told_so()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a");
        var epoch = await EpochAsync(topic);
        (await topic.FetchAsync(0, leaderEpoch: epoch + 5)).Error.ShouldBe(Code.UnknownLeaderEpoch);
        (await topic.ListOffsetsAsync(-1, leaderEpoch: epoch + 5)).Error.ShouldBe(Code.UnknownLeaderEpoch);
        (await topic.FetchAsync(0, leaderEpoch: epoch)).Error.ShouldBe(Code.None);
        (await topic.ListOffsetsAsync(-1, leaderEpoch: epoch)).Number("leaderEpoch").ShouldBe(epoch);
    }

    [Fact]
    public async Task The_end_of_the_current_epoch_is_the_end_of_the_log()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a", "b");
        var epoch = await EpochAsync(topic);
        foreach (var version in new[] { 2, 3, 4 })
        {
            var reply = await EndOfEpochAsync(topic, epoch, version: version);
            reply.Error.ShouldBe(Code.None);
            reply.Number("leaderEpoch").ShouldBe(epoch);
            reply.Number("endOffset").ShouldBe(2);
        }
    }

    [Fact]
    public async Task An_epoch_that_never_was_has_no_end()
    {
        await using var topic = await Topic.CreateAsync();
        await topic.WriteAsync("a");
        var reply = await EndOfEpochAsync(topic, await EpochAsync(topic) + 9);
        reply.Error.ShouldBe(Code.None);
        reply.Number("leaderEpoch").ShouldBe(-1);
        reply.Number("endOffset").ShouldBe(-1);
    }

    [Fact]
    public async Task A_question_under_a_later_epoch_is_refused()
    {
        await using var topic = await Topic.CreateAsync();
        var epoch = await EpochAsync(topic);
        (await EndOfEpochAsync(topic, epoch, current: epoch + 3)).Error.ShouldBe(Code.UnknownLeaderEpoch);
        (await EndOfEpochAsync(topic, epoch, partition: 4)).Error.ShouldBe(Code.UnknownTopicOrPartition);
    }

    private static async Task<int> EpochAsync(Topic topic) => (int)(await topic.MetadataAsync(topic.Name)).Only("partitions").Number("leaderEpoch");

    private static async Task<Reply> EndOfEpochAsync(Topic topic, int epoch, int current = -1, int partition = 0, int version = 2) =>
        (await topic.Connection.AskAsync(Api.OffsetForLeaderEpoch, version, new
        {
            topics = new[] { new { topic = topic.Name, partitions = new[] { new { partition, currentLeaderEpoch = current, leaderEpoch = epoch } } } },
        })).Partition;
}
