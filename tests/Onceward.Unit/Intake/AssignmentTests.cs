using Onceward.Intake;

namespace Onceward.Unit.Intake;

public sealed class AssignmentTests
{
    private readonly Assignment _assignment = new();

    [Fact]
    public void A_claim_of_the_same_partition_ends_the_former_one()
    {
        var (old, current) = (Some.Claim(), Some.Claim());
        _assignment.Add(old);
        _assignment.Add(current);
        old.HasEnded.ShouldBeTrue();
        _assignment.IsCurrent(old).ShouldBeFalse();
        _assignment.IsCurrent(current).ShouldBeTrue();
    }

    [Fact]
    public void A_fence_of_a_claim_that_has_a_successor_does_not_touch_the_successor()
    {
        var (old, current) = (Some.Claim(), Some.Claim());
        _assignment.Add(old);
        _assignment.Add(current);
        _assignment.Fence(old);
        _assignment.TakeFenced().ShouldBeEmpty();
        current.HasEnded.ShouldBeFalse();
    }

    [Fact]
    public void A_fenced_claim_ends_at_once_and_is_reported_once()
    {
        var claim = Some.Claim();
        _assignment.Add(claim);
        _assignment.Fence(claim);
        claim.HasEnded.ShouldBeTrue();
        _assignment.TakeFenced().ShouldBe([claim]);
        _assignment.TakeFenced().ShouldBeEmpty();
    }

    [Fact]
    public void What_the_group_takes_away_has_no_claim()
    {
        var claim = Some.Claim();
        _assignment.Add(claim);
        _assignment.Remove(claim.Partition).ShouldBe(claim);
        claim.HasEnded.ShouldBeTrue();
        _assignment.TryGet(claim.Partition, out _).ShouldBeFalse();
        _assignment.Remove(claim.Partition).ShouldBeNull();
    }

    [Fact]
    public void A_record_finds_the_claim_of_its_partition_and_none_that_was_taken_away()
    {
        var assignment = new Assignment();
        Claim first = Some.Claim(partition: 0), second = Some.Claim(partition: 1);
        assignment.Add(first);
        assignment.Add(second);
        ClaimOf(first.Record(7)).ShouldBe(first);
        ClaimOf(first.Record(8)).ShouldBe(first);
        ClaimOf(second.Record(7)).ShouldBe(second);
        ClaimOf(first.Record(9)).ShouldBe(first);
        assignment.Remove(first.Partition);
        ClaimOf(first.Record(10)).ShouldBeNull();
        var next = Some.Claim(partition: 1);
        ClaimOf(second.Record(8)).ShouldBe(second);
        assignment.Add(next);
        ClaimOf(second.Record(9)).ShouldBe(next);
        assignment.Clear();
        ClaimOf(second.Record(10)).ShouldBeNull();

        Claim? ClaimOf(Record record) => assignment.TryGet(record, out var claim) ? claim : null;
    }
}
