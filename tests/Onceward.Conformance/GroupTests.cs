using System.Text;
using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

/// <summary>The classic group protocol: join, sync, heartbeat, leave, and who is fenced.</summary>
public sealed class GroupTests
{
    private readonly string group = Backend.Name("group");

    [Fact]
    public async Task A_new_member_is_given_an_id_first_and_joins_with_it()
    {
        await using var member = await Member.CreateAsync(group);
        var refused = await member.JoinOnceAsync();
        refused.Error.ShouldBe(Code.MemberIdRequired);
        refused.Text("memberId").ShouldNotBeNull().ShouldStartWith("conformance-");
        member.Id = refused.Text("memberId")!;
        var joined = await member.JoinOnceAsync();
        joined.Error.ShouldBe(Code.None);
        joined.Text("memberId").ShouldBe(member.Id);
        joined.Text("leader").ShouldBe(member.Id);
        joined.Text("protocolName").ShouldBe("range");
        joined.Number("generationId").ShouldBe(1);
        joined.Only("members").Text("memberId").ShouldBe(member.Id);
    }

    [Fact]
    public async Task Before_version_4_no_id_is_required()
    {
        await using var member = await Member.CreateAsync(group);
        var joined = await member.JoinOnceAsync(version: 3);
        joined.Error.ShouldBe(Code.None);
        joined.Text("memberId").ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task The_leader_hands_every_member_its_assignment()
    {
        await using var pair = await Pair.CreateAsync(group);
        pair.LeaderReply.List("members").Count.ShouldBe(2);
        pair.FollowerReply.List("members").ShouldBeEmpty();
        pair.FollowerReply.Text("leader").ShouldBe(pair.Leader.Id);
        pair.Follower.Generation.ShouldBe(pair.Leader.Generation);
        await pair.Follower.Connection.SendAsync(Api.SyncGroup, 3, pair.Follower.SyncRequest());
        var own = await pair.Leader.SyncAsync((pair.Leader.Id, "for the leader"), (pair.Follower.Id, "for the follower"));
        Encoding.UTF8.GetString(own.Bytes("assignment")!).ShouldBe("for the leader");
        Encoding.UTF8.GetString((await pair.Follower.Connection.AnswerAsync()).Bytes("assignment")!).ShouldBe("for the follower");
        Encoding.UTF8.GetString((await pair.Follower.SyncAsync()).Bytes("assignment")!).ShouldBe("for the follower"); // also when it asks again
    }

    [Fact]
    public async Task The_protocol_is_one_that_all_members_know_by_their_votes()
    {
        await using var first = await Member.CreateAsync(group);
        first.Protocols = [("a", "1"), ("b", "1")];
        await using var second = await Member.CreateAsync(group);
        second.Protocols = [("c", "2"), ("b", "2")];
        await using var pair = await Pair.CreateAsync(first, second);
        pair.LeaderReply.Text("protocolName").ShouldBe("b");
        pair.FollowerReply.Text("protocolName").ShouldBe("b");
        pair.LeaderReply.List("members").Select(m => Encoding.UTF8.GetString(m.Bytes("metadata")!)).Order().ShouldBe(["1", "2"]);
    }

    [Fact]
    public async Task A_member_without_a_common_protocol_is_refused()
    {
        await using var first = await Member.CreateAsync(group);
        await first.JoinAsync();
        await using var second = await Member.CreateAsync(group);
        second.Protocols = [("other", "x")];
        (await second.JoinOnceAsync(version: 3)).Error.ShouldBe(Code.InconsistentGroupProtocol);
        await using var third = await Member.CreateAsync(group, type: "connect");
        (await third.JoinOnceAsync(version: 3)).Error.ShouldBe(Code.InconsistentGroupProtocol);
    }

    [Fact]
    public async Task Without_a_protocol_there_is_no_joining()
    {
        await using var member = await Member.CreateAsync(group);
        member.Protocols = [];
        (await member.JoinOnceAsync(version: 3)).Error.ShouldBe(Code.InconsistentGroupProtocol);
    }

    [Fact]
    public async Task A_group_needs_a_name_and_a_session_time_out_within_bounds()
    {
        await using var connection = await WireConnection.OpenAsync();
        object Join(string groupId, int sessionTimeoutMs) =>
            new { groupId, sessionTimeoutMs, rebalanceTimeoutMs = 30_000, protocols = new[] { new { name = "range", metadata = Array.Empty<byte>() } } };
        (await connection.AskAsync(Api.JoinGroup, 5, Join("", 30_000))).Error.ShouldBe(Code.InvalidGroupId);
        await Coordinator.ReadyAsync(connection, group, 0);
        (await connection.AskAsync(Api.JoinGroup, 5, Join(group, 100))).Error.ShouldBe(Code.InvalidSessionTimeout);
        (await connection.AskAsync(Api.JoinGroup, 5, Join(group, 86_400_000))).Error.ShouldBe(Code.InvalidSessionTimeout);
    }

    [Fact]
    public async Task A_member_that_nobody_knows_is_told_so()
    {
        await using var member = await Member.CreateAsync(group);
        member.Id = "nobody";
        member.Generation = 1;
        (await member.JoinOnceAsync()).Error.ShouldBe(Code.UnknownMemberId);
        (await member.SyncAsync()).Error.ShouldBe(Code.UnknownMemberId);
        (await member.HeartbeatAsync()).ShouldBe(Code.UnknownMemberId);
        (await member.LeaveAsync()).Only("members").Error.ShouldBe(Code.UnknownMemberId);
    }

    [Fact]
    public async Task Another_generation_is_fenced_everywhere()
    {
        await using var topic = await Topic.CreateAsync();
        await using var member = await Member.CreateAsync(group);
        await member.JoinAsync();
        await member.SyncAsync((member.Id, "x"));
        var generation = member.Generation;
        foreach (var other in new[] { generation - 1, generation + 1 })
        {
            member.Generation = other;
            (await member.HeartbeatAsync()).ShouldBe(Code.IllegalGeneration);
            (await member.SyncAsync()).Error.ShouldBe(Code.IllegalGeneration);
            (await member.CommitAsync(topic.Name, 1)).ShouldBe(Code.IllegalGeneration);
        }
        member.Generation = generation;
        (await member.HeartbeatAsync()).ShouldBe(Code.None);
        (await member.CommittedAsync(topic.Name)).Number("committedOffset").ShouldBe(-1);
    }

    [Fact]
    public async Task A_rebalance_is_told_by_heartbeat_and_ends_when_all_have_joined_again()
    {
        await using var topic = await Topic.CreateAsync();
        await using var first = await Member.CreateAsync(group);
        await first.JoinAsync();
        await first.SyncAsync((first.Id, "all"));
        await using var second = await Member.CreateAsync(group);
        second.Id = (await second.JoinOnceAsync()).Text("memberId")!;
        await second.Connection.SendAsync(Api.JoinGroup, 5, second.JoinRequest);
        await Eventually.HoldsAsync("the heartbeat tells of the rebalance", async () => await first.HeartbeatAsync() == Code.RebalanceInProgress);
        (await first.SyncAsync()).Error.ShouldBe(Code.RebalanceInProgress);
        (await first.CommitAsync(topic.Name, 3)).ShouldBe(Code.None); // What was read may still be committed.
        (await first.JoinAsync()).Number("generationId").ShouldBe(2);
        second.Accept(await second.Connection.AnswerAsync());
        second.Generation.ShouldBe(2);
        (await first.HeartbeatAsync()).ShouldBe(Code.None); // The assignment is awaited.
        (await first.CommitAsync(topic.Name, 4)).ShouldBe(Code.RebalanceInProgress);
        await second.Connection.SendAsync(Api.SyncGroup, 3, second.SyncRequest());
        (await first.SyncAsync((first.Id, "half"), (second.Id, "half"))).Error.ShouldBe(Code.None);
        (await second.Connection.AnswerAsync()).Error.ShouldBe(Code.None);
        (await first.CommittedAsync(topic.Name)).Number("committedOffset").ShouldBe(3);
    }

    [Fact]
    public async Task A_member_that_leaves_starts_a_rebalance()
    {
        await using var pair = await Pair.CreateAsync(group);
        await pair.SyncAsync();
        (await pair.Follower.LeaveAsync()).Only("members").Error.ShouldBe(Code.None);
        (await pair.Follower.HeartbeatAsync()).ShouldBe(Code.UnknownMemberId);
        (await pair.Leader.HeartbeatAsync()).ShouldBe(Code.RebalanceInProgress);
        (await pair.Leader.JoinAsync()).List("members").ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_member_that_is_silent_is_dropped_when_its_session_is_over()
    {
        await using var first = await Member.CreateAsync(group, sessionTimeoutMs: 6_000);
        await using var second = await Member.CreateAsync(group);
        await using var pair = await Pair.CreateAsync(second, first);
        await pair.SyncAsync();
        await Eventually.HoldsAsync("its absence is noticed", async () => await second.HeartbeatAsync() == Code.RebalanceInProgress);
        (await second.JoinAsync()).List("members").ShouldHaveSingleItem();
        (await first.HeartbeatAsync()).ShouldBe(Code.UnknownMemberId);
    }

    [Fact]
    public async Task A_join_waits_no_longer_than_the_rebalance_time_out_for_those_who_do_not_come()
    {
        await using var slow = await Member.CreateAsync(group, rebalanceTimeoutMs: 3_000);
        await slow.JoinAsync();
        await slow.SyncAsync((slow.Id, "x"));
        await using var quick = await Member.CreateAsync(group, rebalanceTimeoutMs: 3_000);
        var joining = quick.JoinAsync();
        await Eventually.HoldsAsync("the slow member keeps beating until it is dropped", async () => await slow.HeartbeatAsync() == Code.UnknownMemberId);
        (await joining).List("members").ShouldHaveSingleItem().Text("memberId").ShouldBe(quick.Id);
    }

    [Fact]
    public async Task The_leader_may_ask_for_a_rebalance_by_joining_again_and_a_follower_may_not()
    {
        await using var pair = await Pair.CreateAsync(group);
        await pair.SyncAsync();
        var again = await pair.Follower.JoinOnceAsync();
        again.Error.ShouldBe(Code.None);
        again.Number("generationId").ShouldBe(pair.Leader.Generation);
        (await pair.Leader.HeartbeatAsync()).ShouldBe(Code.None);
        await pair.Leader.Connection.SendAsync(Api.JoinGroup, 5, pair.Leader.JoinRequest);
        await Eventually.HoldsAsync("a rebalance begins", async () => await pair.Follower.HeartbeatAsync() == Code.RebalanceInProgress);
        await pair.Follower.JoinAsync();
        (await pair.Leader.Connection.AnswerAsync()).Number("generationId").ShouldBe(pair.Follower.Generation);
    }

    [Fact]
    public async Task A_follower_with_other_metadata_starts_a_rebalance()
    {
        await using var pair = await Pair.CreateAsync(group);
        await pair.SyncAsync();
        pair.Follower.Protocols = [("range", "changed")];
        await pair.Follower.Connection.SendAsync(Api.JoinGroup, 5, pair.Follower.JoinRequest);
        await Eventually.HoldsAsync("a rebalance begins", async () => await pair.Leader.HeartbeatAsync() == Code.RebalanceInProgress);
        await pair.Leader.JoinAsync();
        pair.Follower.Accept(await pair.Follower.Connection.AnswerAsync());
        pair.Follower.Generation.ShouldBe(pair.Leader.Generation);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(9)]
    public async Task Every_version_joins_and_syncs(int version)
    {
        await using var member = await Member.CreateAsync(group);
        var joined = await member.JoinAsync(version);
        if (version >= 7)
            joined.Text("protocolType").ShouldBe("test");
        (await member.SyncOnceAsync(version switch { 0 => 0, 2 => 1, 7 => 4, _ => 3 }, (member.Id, "x"))).Bytes("assignment").ShouldBe("x"u8.ToArray());
    }
}

/// <summary>Two members of one generation; the leader waits for the follower.</summary>
internal sealed class Pair : IAsyncDisposable
{
    public required Member Leader { get; init; }

    public required Member Follower { get; init; }

    public required Reply LeaderReply { get; init; }

    public required Reply FollowerReply { get; init; }

    public static async Task<Pair> CreateAsync(string group) => await CreateAsync(await Member.CreateAsync(group), await Member.CreateAsync(group));

    public static async Task<Pair> CreateAsync(Member first, Member second)
    {
        await first.JoinAsync();
        if (second.Instance is null)
            second.Id = (await second.JoinOnceAsync()).Text("memberId")!;
        await second.Connection.SendAsync(Api.JoinGroup, 5, second.JoinRequest);
        await Eventually.HoldsAsync("the second member is noticed", async () => await first.HeartbeatAsync() == Code.RebalanceInProgress);
        var leader = await first.JoinAsync();
        var follower = await second.Connection.AnswerAsync();
        second.Accept(follower);
        return new Pair { Leader = first, Follower = second, LeaderReply = leader, FollowerReply = follower };
    }

    public async Task SyncAsync()
    {
        await Follower.Connection.SendAsync(Api.SyncGroup, 3, Follower.SyncRequest());
        (await Leader.SyncAsync((Leader.Id, "leader"), (Follower.Id, "follower"))).Error.ShouldBe(Code.None);
        (await Follower.Connection.AnswerAsync()).Error.ShouldBe(Code.None);
    }

    public async ValueTask DisposeAsync()
    {
        await Leader.DisposeAsync();
        await Follower.DisposeAsync();
    }
}
