using Onceward.Diagnostics;
using Onceward.TestSupport;

namespace Onceward.Postgres.Lanes;

/// <summary>Two owners, broken connections, answers that never come.</summary>
public sealed class FencingTests
{
    [Fact]
    public async Task A_partition_that_was_taken_meanwhile_is_given_up_and_the_others_are_committed()
    {
        await using var lane = await TestLane.CreateAsync();
        var (lost, kept) = (lane.Claim(0, "a", "b"), lane.Claim(1, "x"));
        var stolen = false;
        lane.Waypoints.Reached = point =>
        {
            if (point is Waypoint.EffectsApplied && !stolen)
            {
                stolen = true;
                lane.Steal(0);
            }
            return ValueTask.CompletedTask;
        };
        await lane.DrainAsync();
        lane.Fenced.ShouldBe([lost]);
        kept.HasEnded.ShouldBeFalse();
        (await lane.EffectsAsync(0)).ShouldBeEmpty();
        (await lane.NextOffsetAsync(0)).ShouldBe(0);
        (await lane.EffectsAsync(1)).ShouldBe(["0:x"]);
    }

    [Fact]
    public async Task A_stopped_partition_takes_no_effects()
    {
        await using var lane = await TestLane.CreateAsync();
        var claim = lane.Claim(0, "a");
        await lane.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET state = 'stopped'");
        await lane.DrainAsync();
        lane.Fenced.ShouldBe([claim]);
        (await lane.EffectsAsync(0)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_session_that_the_server_ends_before_COMMIT_is_redone_once()
    {
        await using var lane = await TestLane.CreateAsync();
        lane.Claim(0, "a", "b");
        var ended = false;
        lane.Waypoints.Reached = async point =>
        {
            if (point is Waypoint.Swapped && !ended)
            {
                ended = true;
                await lane.TerminateAsync();
            }
        };
        await lane.DrainAsync();
        ended.ShouldBeTrue();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(2);
    }

    [Theory]
    [InlineData(Cut.BeforeCommit)]
    [InlineData(Cut.AfterCommit)]
    public async Task A_COMMIT_without_an_answer_takes_effect_once(Cut cut)
    {
        TcpProxy? proxy = null;
        await using var lane = await TestLane.CreateAsync(proxy: database => proxy = new TcpProxy(database.ConnectionString));
        await using var _ = proxy!;
        var claim = lane.Claim(0, "a", "b");
        proxy!.CutNext(cut);
        await lane.DrainAsync();
        claim.Add(TestRecord.At(claim.Partition, 2, "c"));
        await lane.DrainAsync();
        proxy.Cuts.ShouldBe(1);
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b", "2:c"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(3);
        lane.Fenced.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_COMMIT_that_the_server_executes_late_wins_over_the_repetition_or_loses_to_it()
    {
        TcpProxy? proxy = null;
        await using var lane = await TestLane.CreateAsync(proxy: database => proxy = new TcpProxy(database.ConnectionString));
        await using var _ = proxy!;
        lane.Claim(0, "a", "b");
        proxy!.CutNext(Cut.LateCommit);
        // The first attempt's transaction holds the row: the second waits for it, and then finds that the row has moved.
        var attempts = 0;
        lane.Waypoints.Reached = point =>
        {
            if (point is Waypoint.EffectsApplied && ++attempts == 2)
                proxy.ReleaseLateCommit();
            return ValueTask.CompletedTask;
        };
        await lane.DrainAsync();
        attempts.ShouldBe(2);
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(2);
        lane.Fenced.ShouldBeEmpty();
    }

    [Fact]
    public async Task Messages_are_numbered_densely_over_failures_and_repetitions()
    {
        var failed = false;
        await using var lane = await TestLane.CreateAsync(script: new Script
        {
            Each = (value, context, _) =>
            {
                context.Publish("out", value, value);
                if (value == "c" && !failed)
                {
                    failed = true;
                    throw new InvalidOperationException("once");
                }
                return ValueTask.CompletedTask;
            },
        });
        lane.Claim(0, "a", "b", "c", "d");
        await lane.DrainAsync();
        (await lane.Database.ColumnAsync<string>("SELECT seq || convert_from(key, 'UTF8') FROM onceward.outbox ORDER BY seq")).ShouldBe(["0a", "1b", "2c", "3d"]);
    }

    [Fact]
    public async Task The_position_moves_to_the_end_of_the_log_without_effects()
    {
        await using var lane = await TestLane.CreateAsync();
        var claim = lane.Claim(0, "a");
        claim.ReachEnd(5);
        await lane.DrainAsync();
        await lane.StepAsync();
        (await lane.NextOffsetAsync(0)).ShouldBe(5);
        (await lane.EffectsAsync(0)).ShouldBe(["0:a"]);
    }
}
