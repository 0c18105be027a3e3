using Onceward.Intake;

namespace Onceward.Unit.Intake;

public sealed class AssignmentTests
{
    private readonly Assignment _assignment = new();

    [Fact]
    public void A_deferred_partition_ends_its_claim_and_is_due_at_its_time()
    {
        var claim = Some.Claim();
        _assignment.Add(claim);
        _assignment.Defer(claim.Partition, at: 100, failures: 2);
        claim.HasEnded.ShouldBeTrue();
        _assignment.TryGet(claim.Partition, out _).ShouldBeFalse();
        _assignment.Due(99).ShouldBeEmpty();
        _assignment.Due(100).ShouldBe([claim.Partition]);
        _assignment.FailuresOf(claim.Partition).ShouldBe(2);
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
    public void What_the_group_takes_away_is_neither_claimed_nor_due()
    {
        var (claimed, deferred) = (Some.Claim(0), Some.Claim(1));
        _assignment.Add(claimed);
        _assignment.Defer(deferred.Partition, 0, 1);
        _assignment.Partitions.Count.ShouldBe(2);
        _assignment.Remove(claimed.Partition).ShouldBe(claimed);
        _assignment.Remove(deferred.Partition).ShouldBeNull();
        claimed.HasEnded.ShouldBeTrue();
        _assignment.Partitions.ShouldBeEmpty();
        _assignment.Due(long.MaxValue).ShouldBeEmpty();
    }
}
