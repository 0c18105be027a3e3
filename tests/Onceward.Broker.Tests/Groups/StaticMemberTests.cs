using System.Text;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Tests.Groups;

/// <summary>Members with a name that survives their restarts, under a clock that only these tests move.</summary>
public sealed class StaticMemberTests
{
    [Fact]
    public async Task A_static_member_that_starts_again_keeps_its_assignment_and_fences_its_former_self()
    {
        await using var test = new TestGroups();
        var (old, generation) = test.Stable("instance");
        var again = test.Join(instance: "instance", version: 9).Now();
        again.Error.ShouldBe(ErrorCode.None);
        again.Generation.ShouldBe(generation, "nobody rebalances for it");
        again.MemberId.ShouldNotBe(old);
        Encoding.UTF8.GetString(test.Sync(again.MemberId, generation).Now().Assignment).ShouldBe("all");
        test.Beat(old, generation, "instance").ShouldBe(ErrorCode.FencedInstanceId);
        test.Commit(old, generation, 7, "instance").ShouldBe(ErrorCode.FencedInstanceId);
        test.Committed.ShouldBe(-1);
    }

    [Fact]
    public async Task A_static_member_that_is_away_keeps_its_place_in_a_rebalance_until_its_session_ends()
    {
        await using var test = new TestGroups();
        var (kept, generation) = test.Stable("instance");
        var second = test.Join();
        for (var waited = 0; waited < TestGroups.RebalanceMs / 1000; waited += 5)
        {
            test.Beat(kept, generation, "instance").ShouldBe(ErrorCode.RebalanceInProgress);
            test.Pass(5);
        }
        second.Now().Members.Count.ShouldBe(2, "a static member may be starting again");
        second.Now().Leader.ShouldBe(second.Now().MemberId, "but it does not lead");
    }

    [Fact]
    public async Task A_static_member_that_starts_again_while_its_former_self_waits_sends_that_away()
    {
        await using var test = new TestGroups(initialDelayMs: 100);
        var old = test.Join(instance: "instance");
        var next = test.Join(instance: "instance");
        old.Now().Error.ShouldBe(ErrorCode.FencedInstanceId);
        test.Pass(0.1);
        next.Now().Generation.ShouldBe(1);
        next.Now().Members.Single().MemberId.ShouldBe(next.Now().MemberId);
    }

    [Fact]
    public async Task A_static_members_new_id_is_told_when_it_is_safe()
    {
        await using var test = new TestGroups();
        var (old, generation) = test.Stable("instance");
        test.Disk.IsSlow = true;
        var again = test.Join(instance: "instance", version: 9);
        again.IsCompleted.ShouldBeFalse();
        test.Disk.Flush();
        again.Now().Generation.ShouldBe(generation);
        test.Restart();
        test.Beat(again.Now().MemberId, generation, "instance").ShouldBe(ErrorCode.None);
        test.Beat(old, generation, "instance").ShouldBe(ErrorCode.FencedInstanceId);
    }

    [Fact]
    public async Task A_static_member_that_waited_long_for_its_new_id_and_is_not_heard_of_afterwards_is_given_up()
    {
        await using var test = new TestGroups();
        var (_, generation) = test.Stable("instance");
        test.Disk.IsSlow = true;
        var again = test.Join(instance: "instance", version: 9);
        test.Pass(TestGroups.SessionMs / 1000 * 2);
        test.Disk.Flush();
        again.Now().Generation.ShouldBe(generation);
        test.Pass((TestGroups.SessionMs / 1000) - 1);
        test.State.ShouldBe("Stable");
        test.Pass(2);
        test.State.ShouldBe("Empty");
    }
}
