using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

/// <summary>Offsets committed inside a transaction.</summary>
public sealed class TransactionalOffsetTests
{
    private readonly string group = Backend.Name("group");

    [Theory]
    [InlineData(true, 5)]
    [InlineData(false, 2)]
    public async Task They_count_from_the_commit_on_or_never(bool commit, long expected)
    {
        await using var topic = await Topic.CreateAsync();
        await using var member = await Member.CreateAsync(group);
        await using var transaction = await Transaction.CreateAsync();
        (await member.CommitAsync(topic.Name, 2)).ShouldBe(Code.None);
        (await transaction.AddOffsetsAsync(group)).ShouldBe(Code.None);
        (await transaction.CommitOffsetAsync(group, topic.Name, 5)).ShouldBe(Code.None);
        (await member.CommittedAsync(topic.Name)).Number("committedOffset").ShouldBe(2);
        (await transaction.EndAsync(commit)).ShouldBe(Code.None);
        Reply? stable = null;
        await Eventually.HoldsAsync("the offset is stable", async () => (stable = await member.CommittedAsync(topic.Name, stable: true)).Error == Code.None);
        stable!.Number("committedOffset").ShouldBe(expected);
    }

    [Fact]
    public async Task Who_asks_for_stable_offsets_is_told_of_a_pending_one()
    {
        await using var topic = await Topic.CreateAsync();
        await using var member = await Member.CreateAsync(group);
        await using var transaction = await Transaction.CreateAsync();
        await transaction.AddOffsetsAsync(group);
        (await transaction.CommitOffsetAsync(group, topic.Name, 5)).ShouldBe(Code.None);
        (await member.CommittedAsync(topic.Name, stable: true)).Error.ShouldBe(Code.UnstableOffsetCommit);
        var unstable = await member.CommittedAsync(topic.Name);
        unstable.Error.ShouldBe(Code.None);
        unstable.Number("committedOffset").ShouldBe(-1);
        (await transaction.EndAsync(commit: true)).ShouldBe(Code.None);
        await Eventually.HoldsAsync("it is stable", async () => (await member.CommittedAsync(topic.Name, stable: true)).Error == Code.None);
    }

    [Fact]
    public async Task A_fenced_producer_commits_no_offsets()
    {
        await using var topic = await Topic.CreateAsync();
        await using var old = await Transaction.CreateAsync();
        (await old.AddOffsetsAsync(group)).ShouldBe(Code.None);
        (await old.CommitOffsetAsync(group, topic.Name, 5)).ShouldBe(Code.None);
        await using var heir = await Transaction.CreateAsync(old.Id);
        (await old.CommitOffsetAsync(group, topic.Name, 6)).ShouldBeOneOf(Code.InvalidProducerEpoch, Code.ProducerFenced, Code.InvalidTxnState);
        (await old.AddOffsetsAsync(group)).ShouldBeOneOf(Code.InvalidProducerEpoch, Code.ProducerFenced);
        await using var member = await Member.CreateAsync(group);
        await Eventually.HoldsAsync("the old one's offsets are dropped", async () => (await member.CommittedAsync(topic.Name, stable: true)).Error == Code.None);
        (await member.CommittedAsync(topic.Name)).Number("committedOffset").ShouldBe(-1);
    }

    [Fact]
    public async Task Member_and_generation_are_checked_where_they_are_told()
    {
        await using var topic = await Topic.CreateAsync();
        await using var member = await Member.CreateAsync(group);
        await member.JoinAsync();
        await member.SyncAsync((member.Id, "x"));
        await using var transaction = await Transaction.CreateAsync();
        await transaction.AddOffsetsAsync(group);
        (await transaction.CommitOffsetAsync(group, topic.Name, 5, version: 3, member: member.Id, generation: member.Generation + 1)).ShouldBe(Code.IllegalGeneration);
        (await transaction.CommitOffsetAsync(group, topic.Name, 5, version: 3, member: "nobody", generation: member.Generation)).ShouldBe(Code.UnknownMemberId);
        (await transaction.CommitOffsetAsync(group, topic.Name, 5, version: 3, member: member.Id, generation: member.Generation)).ShouldBe(Code.None);
    }

    [Fact]
    public async Task An_unknown_topic_is_an_error()
    {
        await using var transaction = await Transaction.CreateAsync();
        await transaction.AddOffsetsAsync(group);
        (await transaction.CommitOffsetAsync(group, Backend.Name("unknown"), 5)).ShouldBe(Code.UnknownTopicOrPartition);
    }
}
