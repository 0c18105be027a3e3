using Onceward.Diagnostics;

namespace Onceward.Postgres.Lanes;

public sealed class FencingTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_partition_that_is_taken_while_the_handler_runs_leaves_nothing_and_the_others_are_committed(bool poison)
    {
        await using var lane = await TestLane.CreateAsync(attempts: 1);
        var stolen = lane.Claim(0, "a", poison ? "forbidden" : "b");
        var kept = lane.Claim(1, "c", "d");
        lane.Waypoints.Reached = point =>
        {
            if (point is Waypoint.EffectsApplied && lane.Fenced.Count == 0)
                lane.Steal(0);
            return ValueTask.CompletedTask;
        };
        await lane.DrainAsync();
        lane.Fenced.ShouldBe([stolen]);
        stolen.HasEnded.ShouldBeTrue();
        (await lane.EffectsAsync(0)).ShouldBeEmpty();
        (await lane.DeadLettersAsync()).ShouldBeEmpty();
        (await lane.NextOffsetAsync(0)).ShouldBe(0);
        (await lane.EffectsAsync(1)).ShouldBe(["0:c", "1:d"]);
        kept.HasEnded.ShouldBeFalse();
    }

    [Fact]
    public async Task The_successor_goes_on_from_what_was_committed()
    {
        await using var lane = await TestLane.CreateAsync();
        lane.Claim(0, "a", "b");
        await lane.DrainAsync();
        lane.Claim(0, "c");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b", "2:c"]);
    }

    [Fact]
    public async Task An_operator_who_stops_a_partition_fences_its_worker()
    {
        await using var lane = await TestLane.CreateAsync();
        var claim = lane.Claim(0, "a");
        await lane.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET state = 'stopped'");
        await lane.DrainAsync();
        lane.Fenced.ShouldBe([claim]);
        (await lane.EffectsAsync(0)).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_operator_who_moves_a_position_back_fences_its_worker()
    {
        await using var lane = await TestLane.CreateAsync();
        var claim = lane.Claim(0, "a", "b");
        await lane.DrainAsync();
        claim.Add(TestSupport.TestRecord.At(claim.Partition, 2, "c"));
        await lane.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET next_offset = 1, epoch = epoch + 1");
        await lane.DrainAsync();
        lane.Fenced.ShouldBe([claim]);
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b"]);
    }
}
