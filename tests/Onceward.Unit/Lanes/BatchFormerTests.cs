using System.Collections.Immutable;
using Microsoft.Extensions.Time.Testing;
using Onceward.Intake;
using Onceward.Lanes;

namespace Onceward.Unit.Lanes;

public sealed class BatchFormerTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly LaneOptions _options = new();

    private BatchFormer Former => field ??= new BatchFormer(_options, _time);

    [Fact]
    public void A_segment_begins_at_our_expected_position_and_ends_behind_its_last_record()
    {
        var segment = Former.Form([Some.Claim(next: 5).Holding(7, 9)]).ShouldHaveSingleItem();
        (segment.From, segment.Until).ShouldBe((5, 10));
        segment.Last!.Offset.Value.ShouldBe(9);
    }

    [Fact]
    public void A_batch_holds_so_many_records_and_no_more()
    {
        _options.MaxRecords = 4;
        var claims = Claims(Some.Claim(0).Holding(0, 1, 2), Some.Claim(1).Holding(0, 1, 2));
        Former.Form(claims).Sum(s => s.Records.Count).ShouldBe(4);
        claims.Sum(c => c.WaitingCount).ShouldBe(2);
    }

    [Fact]
    public void A_batch_holds_so_many_bytes_and_no_more()
    {
        var claim = Some.Claim();
        for (var i = 0; i < 5; i++)
            claim.Add(claim.Record(i, 1000));
        _options.MaxBytes = (Claim.SizeOf(claim.Record(0, 1000)) * 3) + 1;
        Former.Form([claim]).Single().Records.Count.ShouldBe(3);
    }

    [Fact]
    public void One_record_over_the_bound_gets_a_batch_of_its_own()
    {
        _options.MaxBytes = 1000;
        var (small, large) = (Some.Claim(0).Holding(0), Some.Claim(1));
        large.Add(large.Record(0, 5000));
        Former.Form([small, large]).Single().Claim.ShouldBe(small);
        Former.Form([small, large]).Single().Claim.ShouldBe(large);
    }

    [Fact]
    public void Every_partition_gets_its_turn_to_be_first()
    {
        _options.MaxRecords = 1;
        var claims = Claims(Some.Claim(0).Holding(0, 1), Some.Claim(1).Holding(0, 1), Some.Claim(2).Holding(0, 1));
        Enumerable.Range(0, 6).Select(_ => Former.Form(claims).Single().Claim.Partition.Partition.Value).ShouldBe([0, 1, 2, 0, 1, 2]);
    }

    [Fact]
    public void Segments_are_in_the_order_in_which_rows_are_locked_whoever_had_the_first_turn()
    {
        var claims = Claims(
            Some.Claim(1, subscription: 2).Holding(0), Some.Claim(4, subscription: 1).Holding(0), Some.Claim(0, subscription: 2).Holding(0));
        Former.Form(claims).Select(s => (s.Key.Subscription, s.Key.Partition)).ShouldBe([(1, 4), (2, 0), (2, 1)]);
    }

    [Fact]
    public void A_partition_whose_head_failed_waits_for_its_time_while_others_go_on()
    {
        var (failed, other) = (Some.Claim(0).Holding(0), Some.Claim(1).Holding(0, 1));
        failed.Failure = new HeadFailure(0, 1, _time.GetTimestamp() + _time.TimestampFrequency, "full");
        BatchFormer.NextRetry([failed, other]).ShouldBe(failed.Failure.RetryAt);

        Former.Form([failed, other]).Single().Claim.ShouldBe(other);
        _time.Advance(TimeSpan.FromMilliseconds(999));
        Former.Form([failed, other]).ShouldBeEmpty();
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Former.Form([failed, other]).Single().Claim.ShouldBe(failed);
    }

    [Fact]
    public void A_claim_that_ended_gives_nothing_and_delays_nobody()
    {
        var claim = Some.Claim().Holding(0);
        claim.Failure = new HeadFailure(0, 1, long.MaxValue, "full");
        claim.End();
        Former.Form([claim]).ShouldBeEmpty();
        BatchFormer.NextRetry([claim]).ShouldBeNull();
    }

    [Fact]
    public void An_idle_partition_moves_to_the_end_of_its_log_at_most_once_a_second()
    {
        var claim = Some.Claim();
        claim.ReachEnd(3);
        var segment = Former.Form([claim]).ShouldHaveSingleItem();
        (segment.From, segment.Until, segment.Records.Count).ShouldBe((0, 3, 0));
        claim.Position = 3;

        claim.ReachEnd(5);
        Former.Form([claim]).ShouldBeEmpty();
        _time.Advance(TimeSpan.FromSeconds(1));
        Former.Form([claim]).Single().Until.ShouldBe(5);
    }

    [Fact]
    public void No_partition_no_batch() => Former.Form([]).ShouldBeEmpty();

    private static ImmutableArray<Claim> Claims(params Claim[] claims) => [.. claims];
}
