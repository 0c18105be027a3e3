using System.Text;
using Onceward.Broker.Groups;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Tests.Groups;

/// <summary>Groups under a clock that only these tests move: every deadline counts to the millisecond.</summary>
public sealed class GroupTests
{
    [Fact]
    public async Task A_member_that_is_not_heard_of_is_in_until_its_session_ends_and_out_from_then_on()
    {
        await using var test = new TestGroups();
        var (id, generation) = test.Stable();
        test.Pass(9.999);
        test.State.ShouldBe("Stable");
        test.Beat(id, generation).ShouldBe(ErrorCode.None);
        test.Pass(9.999);
        test.State.ShouldBe("Stable", "a heartbeat begins its session anew");
        test.Pass(0.001);
        test.State.ShouldBe("Empty");
        test.Beat(id, generation).ShouldBe(ErrorCode.UnknownMemberId);
    }

    [Fact]
    public async Task A_commit_is_a_sign_of_life()
    {
        await using var test = new TestGroups();
        var (id, generation) = test.Stable();
        test.Pass(9);
        test.Commit(id, generation, 5).ShouldBe(ErrorCode.None);
        test.Pass(9);
        test.State.ShouldBe("Stable");
    }

    [Fact]
    public async Task A_second_member_waits_for_the_first_to_join_again()
    {
        await using var test = new TestGroups();
        var (first, generation) = test.Stable();
        var second = test.Join();
        second.IsCompleted.ShouldBeFalse();
        test.Beat(first, generation).ShouldBe(ErrorCode.RebalanceInProgress);
        var again = test.Join(first);
        again.Now().Generation.ShouldBe(generation + 1);
        second.Now().Generation.ShouldBe(generation + 1);
        again.Now().Leader.ShouldBe(first);
        again.Now().Members.Count.ShouldBe(2);
        second.Now().Members.ShouldBeEmpty("only the leader is told who there is");

        var waits = test.Sync(second.Now().MemberId, generation + 1);
        waits.IsCompleted.ShouldBeFalse("the leader has not spoken");
        var leads = test.Sync(first, generation + 1, (first, "a"), (second.Now().MemberId, "b"));
        Encoding.UTF8.GetString(leads.Now().Assignment).ShouldBe("a");
        Encoding.UTF8.GetString(waits.Now().Assignment).ShouldBe("b");
    }

    [Fact]
    public async Task A_member_that_does_not_join_again_in_time_is_left_behind()
    {
        await using var test = new TestGroups();
        var (first, generation) = test.Stable();
        var second = test.Join();
        for (var waited = 5; waited < TestGroups.RebalanceMs / 1000; waited += 5)
        {
            test.Pass(5);
            test.Beat(first, generation).ShouldBe(ErrorCode.RebalanceInProgress, "it lives, but does not join");
        }
        test.Pass(4.999);
        second.IsCompleted.ShouldBeFalse();
        test.Pass(0.001);
        second.Now().Generation.ShouldBe(generation + 1);
        second.Now().Leader.ShouldBe(second.Now().MemberId);
        test.Beat(first, generation).ShouldBe(ErrorCode.UnknownMemberId);
    }

    [Fact]
    public async Task A_member_that_never_asks_for_its_assignment_is_out_after_the_rebalance_time_out()
    {
        await using var test = new TestGroups();
        var joined = test.Join().Now();
        for (var waited = 0; waited < TestGroups.RebalanceMs / 1000; waited += 5)
        {
            test.Beat(joined.MemberId, joined.Generation).ShouldBe(ErrorCode.None, "it lives");
            test.Pass(5);
        }
        test.State.ShouldBe("Empty");
        test.Sync(joined.MemberId, joined.Generation, (joined.MemberId, "all")).Now().Error.ShouldBe(ErrorCode.UnknownMemberId);
    }

    [Fact]
    public async Task An_id_that_was_given_out_and_not_used_ends_with_its_session_time()
    {
        await using var test = new TestGroups();
        var asked = test.Join(version: 5).Now();
        asked.Error.ShouldBe(ErrorCode.MemberIdRequired);
        test.Pass(9.999);
        test.Pass(0.001);
        test.Join(asked.MemberId, version: 5).Now().Error.ShouldBe(ErrorCode.UnknownMemberId);
    }

    [Fact]
    public async Task An_id_that_was_given_out_holds_the_generation_up_until_it_is_used()
    {
        await using var test = new TestGroups();
        var (first, _) = test.Stable();
        var asked = test.Join(version: 5).Now();
        var again = test.Join(first, metadata: "other");
        again.IsCompleted.ShouldBeFalse();
        test.Join(asked.MemberId, version: 5).Now().Error.ShouldBe(ErrorCode.None);
        again.Now().Members.Count.ShouldBe(2);
    }

    [Fact]
    public async Task The_first_members_of_a_group_wait_for_each_other()
    {
        await using var test = new TestGroups(initialDelayMs: 100);
        var first = test.Join();
        test.Pass(0.09);
        var second = test.Join();
        test.Pass(0.09);
        first.IsCompleted.ShouldBeFalse("who came in the meantime begins the wait anew");
        test.Pass(0.11);
        first.Now().Generation.ShouldBe(1);
        second.Now().Generation.ShouldBe(1);
    }

    [Fact]
    public async Task A_commit_of_a_generation_that_is_over_is_refused_and_changes_nothing()
    {
        await using var test = new TestGroups();
        var (first, generation) = test.Stable();
        test.Commit(first, generation, 5).ShouldBe(ErrorCode.None);
        var second = test.Join();
        test.Join(first).Now().Generation.ShouldBe(generation + 1);
        test.Commit(first, generation, 9).ShouldBe(ErrorCode.IllegalGeneration);
        test.Commit(first, generation + 1, 9).ShouldBe(ErrorCode.RebalanceInProgress, "it has no assignment yet");
        test.Commit("stranger", generation + 1, 9).ShouldBe(ErrorCode.UnknownMemberId);
        test.Commit("", -1, 9).ShouldBe(ErrorCode.UnknownMemberId, "the group has members");
        test.Committed.ShouldBe(5);
        second.IsCompleted.ShouldBeTrue();
    }

    [Fact]
    public async Task Whoever_leaves_is_gone_at_once_and_the_others_join_again()
    {
        await using var test = new TestGroups();
        var (first, generation) = test.Stable();
        var second = test.Join();
        test.Join(first).Now().Generation.ShouldBe(generation + 1);
        test.Sync(first, generation + 1, (first, "a")).Now().Error.ShouldBe(ErrorCode.None);
        test.Leave(first).ShouldBe(ErrorCode.None);
        test.Beat(second.Now().MemberId, generation + 1).ShouldBe(ErrorCode.RebalanceInProgress);
        test.Join(second.Now().MemberId).Now().Leader.ShouldBe(second.Now().MemberId);
    }

    [Fact]
    public async Task A_member_that_joins_again_while_its_request_waits_lets_no_request_wait_for_ever()
    {
        await using var test = new TestGroups();
        var (first, _) = test.Stable();
        var second = test.Join();
        var changed = test.Join(first, metadata: "x");
        changed.IsCompleted.ShouldBeTrue();
        var waits = test.Sync(second.Now().MemberId, second.Now().Generation);
        var sentAgain = test.Sync(second.Now().MemberId, second.Now().Generation);
        waits.Now().Error.ShouldBe(ErrorCode.RebalanceInProgress);
        sentAgain.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task A_group_outlives_the_broker_with_its_generation_and_its_members_have_a_whole_session_to_come_back()
    {
        await using var test = new TestGroups();
        var (id, generation) = test.Stable();
        test.Commit(id, generation, 5).ShouldBe(ErrorCode.None);
        test.Pass(9);
        test.Restart();
        test.Pass(9.999);
        test.State.ShouldBe("Stable");
        test.Beat(id, generation).ShouldBe(ErrorCode.None);
        test.Committed.ShouldBe(5);
        Encoding.UTF8.GetString(test.Sync(id, generation).Now().Assignment).ShouldBe("all");
    }

    [Fact]
    public async Task A_generation_that_was_never_assigned_is_not_there_after_a_restart()
    {
        await using var test = new TestGroups();
        var (first, generation) = test.Stable();
        var second = test.Join();
        test.Join(first).Now().Generation.ShouldBe(generation + 1);
        test.Restart();
        test.Sync(second.Now().MemberId, generation + 1).Now().Error.ShouldBe(ErrorCode.UnknownMemberId);
        test.Beat(first, generation).ShouldBe(ErrorCode.None, "the generation before still stands");
    }

    [Fact]
    public async Task An_assignment_that_cannot_be_saved_is_told_to_nobody()
    {
        await using var test = new TestGroups(memoryLimit: 1);
        var joined = test.Join().Now();
        var answer = test.Sync(joined.MemberId, joined.Generation, (joined.MemberId, "all")).Now();
        answer.Error.ShouldBe(ErrorCode.NotCoordinator);
        answer.Assignment.ShouldBeEmpty();
        test.Disk.Group.ShouldBeNull();
    }

    [Fact]
    public async Task A_deadline_counts_from_its_moment_however_late_its_timer_is()
    {
        await using var test = new TestGroups(timersFire: false);
        var (id, generation) = test.Stable();
        test.Pass(9.999);
        test.State.ShouldBe("Stable");
        test.Pass(0.001);
        test.Coordinator.List().Single().State.ShouldBe("Empty");
        test.Beat(id, generation).ShouldBe(ErrorCode.UnknownMemberId);
    }

    [Fact]
    public async Task A_leader_that_speaks_twice_is_taken_at_its_first_word_also_after_a_restart()
    {
        await using var test = new TestGroups();
        var joined = test.Join().Now();
        test.Disk.IsSlow = true;
        var first = test.Sync(joined.MemberId, joined.Generation, (joined.MemberId, "a"));
        var second = test.Sync(joined.MemberId, joined.Generation, (joined.MemberId, "b"));
        first.Now().Error.ShouldBe(ErrorCode.RebalanceInProgress);
        test.Disk.Flush();
        Encoding.UTF8.GetString(second.Now().Assignment).ShouldBe("a");
        test.Restart();
        Encoding.UTF8.GetString(test.Sync(joined.MemberId, joined.Generation).Now().Assignment).ShouldBe("a");
    }

    [Fact]
    public async Task Nobody_is_told_of_an_assignment_before_it_is_safe()
    {
        await using var test = new TestGroups();
        var joined = test.Join().Now();
        test.Disk.IsSlow = true;
        var answer = test.Sync(joined.MemberId, joined.Generation, (joined.MemberId, "all"));
        answer.IsCompleted.ShouldBeFalse();
        test.Disk.Flush();
        Encoding.UTF8.GetString(answer.Now().Assignment).ShouldBe("all");
    }

    [Fact]
    public async Task An_assignment_of_a_generation_that_ended_while_it_was_saved_is_told_to_nobody()
    {
        await using var test = new TestGroups();
        var joined = test.Join().Now();
        test.Disk.IsSlow = true;
        var answer = test.Sync(joined.MemberId, joined.Generation, (joined.MemberId, "all"));
        var second = test.Join();
        answer.Now().Error.ShouldBe(ErrorCode.RebalanceInProgress);
        test.Join(joined.MemberId).Now().Generation.ShouldBe(joined.Generation + 1);
        test.Disk.Flush();
        test.State.ShouldBe("CompletingRebalance", "the new generation waits for its own assignment");
        var follows = test.Sync(second.Now().MemberId, joined.Generation + 1);
        follows.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task A_flush_that_fails_sends_everyone_away_who_waits_for_it()
    {
        await using var test = new TestGroups();
        var (id, generation) = test.Stable();
        test.Disk.IsSlow = true;
        var commit = test.CommitAsync(id, generation, 5);
        var second = test.Join();
        test.Join(id).Now().Generation.ShouldBe(generation + 1);
        var follows = test.Sync(second.Now().MemberId, generation + 1);
        var leads = test.Sync(id, generation + 1, (id, "a"));
        test.Disk.Break();
        commit.Now().ShouldBe(ErrorCode.NotCoordinator);
        leads.Now().Error.ShouldBe(ErrorCode.NotCoordinator);
        follows.Now().Error.ShouldBe(ErrorCode.NotCoordinator);
        test.State.ShouldBe("PreparingRebalance");
    }

    [Fact]
    public async Task A_leader_that_dies_before_it_assigns_leaves_nobody_waiting()
    {
        await using var test = new TestGroups();
        var (first, generation) = test.Stable();
        var second = test.Join();
        test.Join(first).Now().Leader.ShouldBe(first);
        var waits = test.Sync(second.Now().MemberId, generation + 1);
        test.Pass(9.999);
        waits.IsCompleted.ShouldBeFalse();
        test.Pass(0.001);
        waits.Now().Error.ShouldBe(ErrorCode.RebalanceInProgress);
        test.Join(second.Now().MemberId).Now().Leader.ShouldBe(second.Now().MemberId);
    }

    [Theory]
    [InlineData(5_999, ErrorCode.InvalidSessionTimeout)]
    [InlineData(6_000, ErrorCode.None)]
    [InlineData(1_800_000, ErrorCode.None)]
    [InlineData(1_800_001, ErrorCode.InvalidSessionTimeout)]
    public async Task A_session_may_be_as_short_and_as_long_as_in_Kafka(int sessionMs, ErrorCode expected)
    {
        await using var test = new TestGroups();
        test.Join(sessionMs: sessionMs).Now().Error.ShouldBe(expected);
    }

    [Fact]
    public async Task The_wait_of_a_groups_first_members_ends_with_their_rebalance_time_out()
    {
        await using var test = new TestGroups(initialDelayMs: 15_000);
        var first = test.Join();
        test.Pass(10);
        var second = test.Join();
        test.Pass(5);
        test.Pass(4.999);
        first.IsCompleted.ShouldBeFalse("five of its twenty seconds were left for the second wait");
        test.Pass(0.001);
        first.Now().Generation.ShouldBe(1);
        second.Now().Generation.ShouldBe(1);
    }

    [Fact]
    public async Task A_group_that_is_left_counts_its_generations_on()
    {
        await using var test = new TestGroups();
        var (id, generation) = test.Stable();
        test.Commit(id, generation, 5).ShouldBe(ErrorCode.None);
        test.Leave(id).ShouldBe(ErrorCode.None);
        test.State.ShouldBe("Empty");
        test.Restart();
        test.Stable().Generation.ShouldBe(generation + 2, "to be empty is a generation, too");
    }

    [Fact]
    public async Task Offsets_of_a_transaction_that_is_aborted_while_they_are_stored_are_pending_no_longer()
    {
        await using var test = new TestGroups();
        test.Coordinator.OffsetsLogOf(TestGroups.Id).Enlist(7, 0).ShouldBe(ErrorCode.None);
        Thread? aborting = null;
        test.Disk.Behind = log =>
        {
            aborting = new Thread(() => test.Coordinator.TransactionEnded(log, 7, committed: false));
            aborting.Start();
            // It must wait for the group, which is being changed.
            SpinWait.SpinUntil(() => !aborting.IsAlive || aborting.ThreadState.HasFlag(ThreadState.WaitSleepJoin), TimeSpan.FromSeconds(10)).ShouldBeTrue();
        };
        var commit = new OffsetsCommit(TestGroups.Id, -1, "", null, [new(TestGroups.Topic, [new CommitPartition(0, 5, -1, null)])], ProducerId: 7, ProducerEpoch: 0);
        (await test.Coordinator.Offsets.CommitAsync(commit, ErrorCode.IllegalGeneration))[0].Partitions[0].Error.ShouldBe(ErrorCode.None);
        aborting!.Join();
        var fetched = test.Coordinator.Offsets.Fetch(new(TestGroups.Id, [new(TestGroups.Topic, [0])]), requireStable: true).Topics[0].Partitions[0];
        (fetched.Error, fetched.Offset).ShouldBe((ErrorCode.None, -1));
    }

    [Fact]
    public async Task A_transactions_offsets_that_are_refused_leave_nothing_behind()
    {
        await using var test = new TestGroups();
        for (var producer = 1; producer <= 3; producer++) // None of them has opened a transaction.
        {
            var commit = new OffsetsCommit(TestGroups.Id, -1, "", null, [new(TestGroups.Topic, [new CommitPartition(0, 5, -1, null)])], ProducerId: producer, ProducerEpoch: 0);
            (await test.Coordinator.Offsets.CommitAsync(commit, ErrorCode.IllegalGeneration))[0].Partitions[0].Error.ShouldBe(ErrorCode.InvalidTxnState);
        }
        test.Coordinator.All.ShouldHaveSingleItem().Log.Holders.ShouldBe(0);
    }
}
