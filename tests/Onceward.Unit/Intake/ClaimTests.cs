using Onceward.Intake;

namespace Onceward.Unit.Intake;

public sealed class ClaimTests
{
    [Fact]
    public void Records_come_out_in_the_order_they_went_in() => Some.Claim().Holding(0, 1, 5).TakeAll().ShouldBe([0, 1, 5]);

    [Fact]
    public void What_a_batch_put_back_comes_before_what_waits()
    {
        var claim = Some.Claim().Holding(0, 1, 2, 3);
        var taken = new List<Record>();
        claim.Take(taken, r => r.Offset.Value < 3);
        claim.PutBack([.. taken[1..]]);
        claim.Holding(4);
        claim.WaitingCount.ShouldBe(4);
        claim.TakeAll().ShouldBe([1, 2, 3, 4]);
    }

    [Fact]
    public void What_is_put_back_twice_keeps_its_order()
    {
        var claim = Some.Claim().Holding(0, 1, 2, 3);
        var taken = new List<Record>();
        claim.Take(taken, _ => true);
        claim.PutBack([.. taken[2..]]);
        claim.PutBack([.. taken[..2]]);
        claim.TakeAll().ShouldBe([0, 1, 2, 3]);
    }

    [Fact]
    public void A_record_below_the_position_is_not_taken_in() => Some.Claim(next: 10).Holding(8, 9, 10, 11).TakeAll().ShouldBe([10, 11]);

    [Fact]
    public void A_record_that_the_client_delivers_a_second_time_is_not_applied_twice() =>
        Some.Claim().Holding(0, 1, 2, 1, 2, 3).TakeAll().ShouldBe([0, 1, 2, 3]);

    [Fact]
    public void Records_that_a_COMMIT_in_doubt_applied_are_dropped_on_the_way_out()
    {
        var budget = new IntakeBudget(1);
        var claim = Some.Claim(budget: budget).Holding(0, 1, 2);
        claim.Position = 2;
        claim.TakeAll().ShouldBe([2]);
        budget.IsExhausted.ShouldBeFalse("what was dropped is released too");
    }

    [Fact]
    public void Taking_stops_at_the_first_record_that_is_not_accepted()
    {
        var claim = Some.Claim().Holding(0, 1, 2);
        var taken = new List<Record>();
        claim.Take(taken, r => r.Offset.Value != 1);
        taken.Count.ShouldBe(1);
        claim.TakeAll().ShouldBe([1, 2]);
    }

    [Fact]
    public void Waiting_records_count_against_the_budget_until_they_are_taken_or_the_claim_ends()
    {
        var budget = new IntakeBudget(Claim.SizeOf(Some.Claim().Record(0, 100)) * 2);
        var claim = Some.Claim(budget: budget);
        claim.Add(claim.Record(0, 100));
        budget.IsExhausted.ShouldBeFalse();
        budget.HasRoom.ShouldBeFalse("half of it is taken");
        claim.Add(claim.Record(1, 100));
        budget.IsExhausted.ShouldBeTrue();

        var taken = new List<Record>();
        claim.Take(taken, _ => true);
        budget.HasRoom.ShouldBeTrue();
        claim.PutBack([.. taken]);
        budget.IsExhausted.ShouldBeTrue();

        claim.End();
        budget.HasRoom.ShouldBeTrue();
    }

    [Fact]
    public void After_its_end_nothing_goes_in_and_nothing_comes_out()
    {
        var budget = new IntakeBudget(1);
        var claim = Some.Claim(budget: budget).Holding(0);
        var taken = new List<Record>();
        claim.Take(taken, _ => true);
        claim.End();
        claim.Holding(1);
        claim.PutBack([.. taken]);
        claim.HasEnded.ShouldBeTrue();
        claim.WaitingCount.ShouldBe(0);
        claim.TakeAll().ShouldBeEmpty();
        budget.IsExhausted.ShouldBeFalse();
    }

    [Fact]
    public void The_end_of_the_log_is_reached_only_when_nothing_waits_before_it()
    {
        var claim = Some.Claim().Holding(0);
        claim.ReachEnd(3);
        claim.TryReachEnd(out _).ShouldBeFalse("record 0 waits");
        claim.TakeAll();
        claim.TryReachEnd(out var end).ShouldBeTrue();
        end.ShouldBe(3);
        claim.Position = 3;
        claim.TryReachEnd(out _).ShouldBeFalse("it is there already");
    }
}
