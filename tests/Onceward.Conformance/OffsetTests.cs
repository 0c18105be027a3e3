using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

/// <summary>Committed offsets of groups.</summary>
public sealed class OffsetTests
{
    private readonly string group = Backend.Name("group");

    [Fact]
    public async Task What_was_committed_is_there_with_its_metadata_and_epoch()
    {
        await using var topic = await Topic.CreateAsync(2);
        await using var member = await Member.CreateAsync(group);
        (await member.CommitAsync(topic.Name, 42, metadata: "note")).ShouldBe(Code.None);
        var committed = await member.CommittedAsync(topic.Name);
        committed.Number("committedOffset").ShouldBe(42);
        committed.Text("metadata").ShouldBe("note");
        committed.Number("committedLeaderEpoch").ShouldBe(-1);
        (await member.CommitAsync(topic.Name, 7)).ShouldBe(Code.None); // back is allowed
        (await member.CommittedAsync(topic.Name)).Number("committedOffset").ShouldBe(7);
    }

    [Fact]
    public async Task Where_nothing_was_committed_the_answer_is_minus_one_without_an_error()
    {
        await using var topic = await Topic.CreateAsync();
        await using var member = await Member.CreateAsync(group);
        foreach (var name in new[] { topic.Name, Backend.Name("unknown") })
        {
            var none = await member.CommittedAsync(name);
            (none.Number("committedOffset"), none.Text("metadata"), none.Error).ShouldBe((-1, "", Code.None));
        }
    }

    [Fact]
    public async Task All_offsets_of_a_group_can_be_asked_for()
    {
        await using var topic = await Topic.CreateAsync(3);
        await using var member = await Member.CreateAsync(group);
        await member.CommitAsync(topic.Name, 1, partition: 0);
        await member.CommitAsync(topic.Name, 2, partition: 2);
        var all = await member.Connection.AskAsync(Api.OffsetFetch, 5, new { groupId = group });
        all.Only("topics").List("partitions").Select(p => (p.Number("partitionIndex"), p.Number("committedOffset"))).Order().ShouldBe([(0, 1), (2, 2)]);
        var many = await member.Connection.AskAsync(Api.OffsetFetch, 8, new { groups = new[] { new { groupId = group }, new { groupId = Backend.Name("unknown") } } });
        many.List("groups").Select(g => (g.Error, g.List("topics").Count)).ShouldBe([(Code.None, 1), (Code.None, 0)], ignoreOrder: true);
    }

    [Fact]
    public async Task An_unknown_topic_or_partition_is_an_error_and_the_others_are_stored()
    {
        await using var topic = await Topic.CreateAsync();
        await using var member = await Member.CreateAsync(group);
        var reply = await member.Connection.AskAsync(Api.OffsetCommit, 7, new
        {
            groupId = group,
            topics = new[]
            {
                new { name = topic.Name, partitions = new[] { new { partitionIndex = 0, committedOffset = 3 }, new { partitionIndex = 8, committedOffset = 3 } } },
                new { name = "no-such-topic", partitions = new[] { new { partitionIndex = 0, committedOffset = 3 } } },
            },
        });
        var codes = reply.List("topics").SelectMany(t => t.List("partitions").Select(p => (t.Text("name"), p.Number("partitionIndex"), p.Error)));
        codes.ShouldBe([(topic.Name, 0, Code.None), (topic.Name, 8, Code.UnknownTopicOrPartition), ("no-such-topic", 0, Code.UnknownTopicOrPartition)], ignoreOrder: true);
        (await member.CommittedAsync(topic.Name)).Number("committedOffset").ShouldBe(3);
    }

    [Fact]
    public async Task Metadata_beyond_4096_bytes_is_refused()
    {
        await using var topic = await Topic.CreateAsync();
        await using var member = await Member.CreateAsync(group);
        (await member.CommitAsync(topic.Name, 1, metadata: new string('m', 4097))).ShouldBe(Code.OffsetMetadataTooLarge);
        (await member.CommitAsync(topic.Name, 1, metadata: new string('m', 4096))).ShouldBe(Code.None);
    }

    [Fact]
    public async Task Who_is_no_member_commits_only_to_an_empty_group()
    {
        await using var topic = await Topic.CreateAsync();
        await using var member = await Member.CreateAsync(group);
        await using var stranger = await Member.CreateAsync(group);
        (await stranger.CommitAsync(topic.Name, 1)).ShouldBe(Code.None);
        await member.JoinAsync();
        await member.SyncAsync((member.Id, "x"));
        (await stranger.CommitAsync(topic.Name, 2)).ShouldBe(Code.UnknownMemberId);
        stranger.Id = "nobody";
        stranger.Generation = member.Generation;
        (await stranger.CommitAsync(topic.Name, 2)).ShouldBe(Code.UnknownMemberId);
        (await member.CommitAsync(topic.Name, 3)).ShouldBe(Code.None);
        await member.LeaveAsync();
        (stranger.Id, stranger.Generation) = ("", -1);
        (await stranger.CommitAsync(topic.Name, 4)).ShouldBe(Code.None);
        (await stranger.CommittedAsync(topic.Name)).Number("committedOffset").ShouldBe(4);
    }

    [Fact]
    public async Task A_generation_without_a_group_is_illegal()
    {
        await using var topic = await Topic.CreateAsync();
        await using var member = await Member.CreateAsync(group);
        (member.Id, member.Generation) = ("nobody", 3);
        (await member.CommitAsync(topic.Name, 1)).ShouldBeOneOf(Code.IllegalGeneration, Code.UnknownMemberId);
    }

    [Fact]
    public async Task Offsets_go_with_their_topic()
    {
        await using var topic = await Topic.CreateAsync();
        await using var member = await Member.CreateAsync(group);
        await member.CommitAsync(topic.Name, 5);
        await topic.Connection.AskAsync(Api.DeleteTopics, 3, new { topicNames = new[] { topic.Name } });
        await Eventually.HoldsAsync("the offset is gone", async () => (await member.CommittedAsync(topic.Name)).Number("committedOffset") == -1);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(8)]
    [InlineData(9)]
    public async Task Every_version_commits(int version)
    {
        await using var topic = await Topic.CreateAsync();
        await using var member = await Member.CreateAsync(group);
        (await member.CommitAsync(topic.Name, 9, version: version)).ShouldBe(Code.None);
        (await member.CommittedAsync(topic.Name)).Number("committedOffset").ShouldBe(9);
    }
}
