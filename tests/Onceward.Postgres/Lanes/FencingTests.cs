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
    public async Task Of_a_batch_that_spans_partitions_with_parked_records_and_messages_only_the_fenced_partition_is_dropped_and_the_others_are_applied_once()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 3, script: new Script
        {
            Each = (value, context, _) =>
            {
                context.StageEffect(value);
                context.Publish("out", null, value);
                return value.StartsWith("k:bad", StringComparison.Ordinal) ? throw new InvalidOperationException(value) : ValueTask.CompletedTask;
            },
        });
        var first = lane.ClaimKeyed(0, "a:1", "k:bad0", "k:2");
        var stolen = lane.ClaimKeyed(1, "b:1", "l:bad", "k:bad1");
        var last = lane.ClaimKeyed(2, "c:1", "k:3");
        lane.Waypoints.Reached = point =>
        {
            if (point is Waypoint.EffectsApplied && lane.Fenced.Count == 0)
                lane.Steal(1);
            return ValueTask.CompletedTask;
        };
        await lane.DrainBatchesAsync();
        lane.Fenced.ShouldBe([stolen]);
        (await lane.PlacesAsync()).ShouldBe(["0:0", "2:0"]);
        (await lane.ParkedAsync()).ShouldBe(["k 0:1", "k 0:2", "k 2:1"]);
        (first.Position, last.Position, await lane.NextOffsetAsync(1)).ShouldBe((3, 2, 0));
        (await lane.Database.ColumnAsync<string>("SELECT channel_id || ' ' || seq FROM onceward.outbox ORDER BY channel_id")).Count.ShouldBe(2);
        // The successor applies what was dropped; what it meets of the parked key goes behind it.
        lane.ClaimKeyed(1, "b:1", "k:4");
        await lane.DrainBatchesAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:0", "2:0", "1:0"]);
        (await lane.ParkedAsync()).ShouldBe(["k 0:1", "k 0:2", "k 2:1", "k 1:1"]);
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
