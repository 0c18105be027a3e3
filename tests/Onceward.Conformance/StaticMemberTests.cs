using System.Text;
using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

/// <summary>Members with a <c>group.instance.id</c> (KIP-345).</summary>
public sealed class StaticMemberTests
{
    private readonly string group = Backend.Name("group");

    [Fact]
    public async Task A_static_member_joins_without_being_given_an_id_first()
    {
        await using var member = await Member.CreateAsync(group, instance: "one");
        var joined = await member.JoinOnceAsync();
        joined.Error.ShouldBe(Code.None);
        joined.Only("members").Text("groupInstanceId").ShouldBe("one");
    }

    [Fact]
    public async Task One_that_comes_back_unchanged_gets_its_assignment_without_a_rebalance_and_its_former_self_is_fenced()
    {
        await using var topic = await Topic.CreateAsync();
        await using var leader = await Member.CreateAsync(group);
        await using var former = await Member.CreateAsync(group, instance: "one");
        await using var pair = await Pair.CreateAsync(leader, former);
        await pair.SyncAsync();
        await using var back = await Member.CreateAsync(group, instance: "one");
        var joined = await back.JoinAsync();
        joined.Number("generationId").ShouldBe(leader.Generation);
        back.Id.ShouldNotBe(former.Id);
        Encoding.UTF8.GetString((await back.SyncAsync()).Bytes("assignment")!).ShouldBe("follower");
        (await leader.HeartbeatAsync()).ShouldBe(Code.None);
        (await former.HeartbeatAsync()).ShouldBe(Code.FencedInstanceId);
        (await former.CommitAsync(topic.Name, 1)).ShouldBe(Code.FencedInstanceId);
        (await former.SyncAsync()).Error.ShouldBe(Code.FencedInstanceId);
        (await former.JoinOnceAsync()).Error.ShouldBe(Code.FencedInstanceId);
        (await former.LeaveAsync()).Only("members").Error.ShouldBe(Code.FencedInstanceId);
        (await back.CommitAsync(topic.Name, 1)).ShouldBe(Code.None);
    }

    [Fact]
    public async Task Other_metadata_alone_start_no_rebalance_either()
    {
        await using var leader = await Member.CreateAsync(group);
        await using var former = await Member.CreateAsync(group, instance: "one");
        await using var pair = await Pair.CreateAsync(leader, former);
        await pair.SyncAsync();
        await using var back = await Member.CreateAsync(group, instance: "one");
        back.Protocols = [("range", "changed")];
        (await back.JoinAsync()).Number("generationId").ShouldBe(leader.Generation);
        (await leader.HeartbeatAsync()).ShouldBe(Code.None);
    }

    [Fact]
    public async Task One_that_comes_back_with_another_protocol_starts_a_rebalance()
    {
        await using var leader = await Member.CreateAsync(group);
        leader.Protocols = [("a", "x"), ("b", "x")];
        await using var former = await Member.CreateAsync(group, instance: "one");
        former.Protocols = leader.Protocols;
        await using var pair = await Pair.CreateAsync(leader, former);
        await pair.SyncAsync();
        await using var back = await Member.CreateAsync(group, instance: "one");
        back.Protocols = [("b", "x")];
        await back.Connection.SendAsync(Api.JoinGroup, 5, back.JoinRequest);
        await Eventually.HoldsAsync("a rebalance begins", async () => await leader.HeartbeatAsync() == Code.RebalanceInProgress, seconds: 20);
        var joined = await leader.JoinAsync();
        joined.Text("protocolName").ShouldBe("b");
        joined.List("members").Count.ShouldBe(2);
        back.Accept(await back.Connection.AnswerAsync());
    }

    [Fact]
    public async Task A_leader_that_comes_back_may_skip_the_assignment()
    {
        await using var former = await Member.CreateAsync(group, instance: "one");
        await former.JoinAsync();
        await former.SyncAsync((former.Id, "kept"));
        await using var back = await Member.CreateAsync(group, instance: "one");
        var joined = await back.JoinAsync(version: 9);
        joined.Number("generationId").ShouldBe(1);
        joined.Flag("skipAssignment").ShouldBeTrue();
        joined.Text("leader").ShouldBe(back.Id);
        Encoding.UTF8.GetString((await back.SyncAsync()).Bytes("assignment")!).ShouldBe("kept");
    }

    [Fact]
    public async Task An_administrator_removes_one_by_its_instance_alone()
    {
        await using var member = await Member.CreateAsync(group, instance: "one");
        await member.JoinAsync();
        await member.SyncAsync((member.Id, "x"));
        var left = await member.Connection.AskAsync(Api.LeaveGroup, 3, new
        {
            groupId = group,
            members = new[] { new { memberId = "", groupInstanceId = "one" }, new { memberId = "", groupInstanceId = "other" } },
        });
        left.Error.ShouldBe(Code.None);
        left.List("members").Select(m => m.Error).ShouldBe([Code.None, Code.UnknownMemberId]);
        (await member.HeartbeatAsync()).ShouldBe(Code.UnknownMemberId);
        (await member.DescribeAsync()).Text("groupState").ShouldBe("Empty");
    }
}
