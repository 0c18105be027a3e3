using System.Text;
using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

/// <summary>Groups as administrators see them.</summary>
public sealed class GroupAdminTests
{
    private readonly string group = Backend.Name("group");

    [Fact]
    public async Task A_group_is_described_through_its_states()
    {
        await using var member = await Member.CreateAsync(group);
        (await member.DescribeAsync()).Text("groupState").ShouldBe("Dead"); // nobody knows it
        member.Id = (await member.JoinOnceAsync()).Text("memberId")!;
        await member.JoinAsync();
        (await member.DescribeAsync()).Text("groupState").ShouldBe("CompletingRebalance");
        await member.SyncAsync((member.Id, "assigned"));
        var stable = await member.DescribeAsync();
        (stable.Error, stable.Text("groupState"), stable.Text("protocolType"), stable.Text("protocolData")).ShouldBe((Code.None, "Stable", "test", "range"));
        var described = stable.Only("members");
        (described.Text("memberId"), described.Text("clientId"), described.IsNull("groupInstanceId")).ShouldBe((member.Id, "conformance", true));
        described.Text("clientHost").ShouldBe("/127.0.0.1");
        Encoding.UTF8.GetString(described.Bytes("memberMetadata")!).ShouldBe("metadata");
        Encoding.UTF8.GetString(described.Bytes("memberAssignment")!).ShouldBe("assigned");
        await member.LeaveAsync();
        (await member.DescribeAsync()).Text("groupState").ShouldBe("Empty");
    }

    [Fact]
    public async Task An_unknown_group_is_dead_or_from_version_6_on_not_found()
    {
        await using var member = await Member.CreateAsync(group);
        var dead = await member.DescribeAsync();
        (dead.Error, dead.Text("groupState")).ShouldBe((Code.None, "Dead"));
        var missing = (await member.Connection.AskAsync(Api.DescribeGroups, 6, new { groups = new[] { group } })).Only("groups");
        (missing.Error, missing.Text("groupState")).ShouldBe((Code.GroupIdNotFound, "Dead"));
    }

    [Fact]
    public async Task Groups_are_listed_with_type_and_state_and_by_it()
    {
        await using var topic = await Topic.CreateAsync();
        await using var member = await Member.CreateAsync(group);
        await member.JoinAsync();
        await member.SyncAsync((member.Id, "x"));
        await using var simple = await Member.CreateAsync(group + "-simple");
        await simple.CommitAsync(topic.Name, 1);
        var all = await GroupsAsync(member, 5, [], []);
        all[group].Text("protocolType").ShouldBe("test");
        all[group].Text("groupState").ShouldBe("Stable");
        all[group].Text("groupType").ShouldBe("classic");
        all[simple.Group].Text("groupState").ShouldBe("Empty");
        (await GroupsAsync(member, 0, [], [])).ShouldContainKey(group);
        (await GroupsAsync(member, 4, ["Stable"], [])).ShouldContainKey(group);
        (await GroupsAsync(member, 4, ["Empty"], [])).ShouldNotContainKey(group);
        (await GroupsAsync(member, 5, [], ["consumer"])).ShouldNotContainKey(group);
        (await GroupsAsync(member, 5, [], ["classic"])).ShouldContainKey(group);
    }

    [Fact]
    public async Task Only_an_empty_group_is_deleted()
    {
        await using var topic = await Topic.CreateAsync();
        await using var member = await Member.CreateAsync(group);
        await member.JoinAsync();
        await member.SyncAsync((member.Id, "x"));
        await member.CommitAsync(topic.Name, 4);
        (await DeleteAsync(member, group)).ShouldBe(Code.NonEmptyGroup);
        await member.LeaveAsync();
        (await DeleteAsync(member, group)).ShouldBe(Code.None);
        (await member.CommittedAsync(topic.Name)).Number("committedOffset").ShouldBe(-1);
        (await DeleteAsync(member, group)).ShouldBe(Code.GroupIdNotFound);
    }

    [Fact]
    public async Task Offsets_are_deleted_where_no_member_is_subscribed()
    {
        await using var topic = await Topic.CreateAsync(2);
        await using var member = await Member.CreateAsync(group);
        await member.CommitAsync(topic.Name, 4, partition: 0);
        await member.CommitAsync(topic.Name, 5, partition: 1);
        (await DeleteOffsetAsync(member, topic.Name, 0)).Partition.Error.ShouldBe(Code.None);
        (await member.CommittedAsync(topic.Name, 0)).Number("committedOffset").ShouldBe(-1);
        (await member.CommittedAsync(topic.Name, 1)).Number("committedOffset").ShouldBe(5);
        var unknown = await member.Connection.AskAsync(Api.OffsetDelete, 0, new { groupId = Backend.Name("unknown"), topics = Array.Empty<object>() });
        unknown.Error.ShouldBe(Code.GroupIdNotFound);
    }

    [Fact]
    public async Task Offsets_of_a_topic_that_a_member_consumes_are_not_deleted()
    {
        await using var topic = await Topic.CreateAsync();
        await using var member = await Member.CreateAsync(group, type: "consumer");
        // A consumer's metadata: version 0, one topic, no user data.
        var metadata = new WireWriter(flexible: false).Int16(0).Int32(1).Int16(topic.Name.Length).Raw(Encoding.ASCII.GetBytes(topic.Name)).Int32(-1).ToArray();
        member.Protocols = [("range", Encoding.Latin1.GetString(metadata))];
        object Join(string id) => new
        {
            groupId = group, sessionTimeoutMs = 30_000, rebalanceTimeoutMs = 30_000, memberId = id, protocolType = "consumer",
            protocols = new[] { new { name = "range", metadata } },
        };
        var id = (await member.Connection.AskAsync(Api.JoinGroup, 5, Join(""))).Text("memberId")!;
        member.Accept(await member.Connection.AskAsync(Api.JoinGroup, 5, Join(id)));
        await member.SyncAsync((member.Id, "x"));
        await member.CommitAsync(topic.Name, 4);
        (await DeleteOffsetAsync(member, topic.Name, 0)).Partition.Error.ShouldBe(Code.GroupSubscribedToTopic);
        (await member.CommittedAsync(topic.Name)).Number("committedOffset").ShouldBe(4);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(6)]
    public async Task The_coordinator_is_found_in_every_version(int version)
    {
        await using var member = await Member.CreateAsync(group);
        var reply = await member.Connection.AskAsync(Api.FindCoordinator, version, new { key = group, keyType = 0, coordinatorKeys = new[] { group } });
        var found = version >= 4 ? reply.Only("coordinators") : reply;
        found.Error.ShouldBe(Code.None);
        found.Number("port").ShouldBe(int.Parse(Backend.Address.Split(',')[0].Split(':')[1]));
    }

    private static async Task<Dictionary<string, Reply>> GroupsAsync(Member member, int version, string[] states, string[] types)
    {
        var reply = await member.Connection.AskAsync(Api.ListGroups, version, new { statesFilter = states, typesFilter = types });
        reply.Error.ShouldBe(Code.None);
        return reply.List("groups").ToDictionary(g => g.Text("groupId")!);
    }

    private static async Task<Code> DeleteAsync(Member member, string group) =>
        (await member.Connection.AskAsync(Api.DeleteGroups, 1, new { groupsNames = new[] { group } })).Only("results").Error;

    private static Task<Reply> DeleteOffsetAsync(Member member, string topic, int partition) => member.Connection.AskAsync(Api.OffsetDelete, 0, new
    {
        groupId = member.Group, topics = new[] { new { name = topic, partitions = new[] { new { partitionIndex = partition } } } },
    });
}
