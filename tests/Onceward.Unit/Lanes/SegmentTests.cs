using Onceward.Lanes;

namespace Onceward.Unit.Lanes;

public sealed class SegmentTests
{
    [Fact]
    public void A_cut_leaves_the_record_and_all_behind_it_and_ends_before_it()
    {
        var segment = Of(5, 5, 7, 9);
        segment.CutAt(1).Select(r => r.Offset.Value).ShouldBe([7, 9]);
        (segment.From, segment.Until, segment.Records.Count, segment.IsDone).ShouldBe((5, 7, 1, false));
    }

    [Fact]
    public void A_cut_at_the_head_leaves_nothing_to_do()
    {
        var segment = Of(5, 5, 6);
        segment.CutAt(0);
        segment.IsDone.ShouldBeTrue();
        segment.Last.ShouldBeNull();
    }

    [Fact]
    public void Where_a_COMMIT_in_doubt_went_through_nothing_is_left()
    {
        var segment = Of(0, 0, 1, 2);
        segment.Rebase(3);
        segment.IsDone.ShouldBeTrue();
        segment.Claim.Position.ShouldBe(3);
    }

    [Fact]
    public void Where_a_longer_attempt_went_through_before_a_cut_the_claim_still_goes_on_behind_it()
    {
        var segment = Of(0, 0, 1, 2);
        segment.Claim.PutBack(segment.CutAt(1));
        segment.Rebase(3);
        segment.IsDone.ShouldBeTrue();
        segment.Claim.TakeAll().ShouldBeEmpty();
    }

    [Fact]
    public void Where_it_did_not_go_through_everything_is_left()
    {
        var segment = Of(0, 0, 1, 2);
        segment.Rebase(0);
        (segment.From, segment.Until, segment.Records.Count).ShouldBe((0, 3, 3));
    }

    private static Segment Of(long position, params long[] offsets)
    {
        var claim = Some.Claim(next: position);
        return new Segment(claim, [.. offsets.Select(o => claim.Record(o))], offsets[^1] + 1);
    }
}
