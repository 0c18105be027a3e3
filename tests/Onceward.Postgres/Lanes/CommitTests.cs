using Npgsql;
using Onceward.Diagnostics;
using Onceward.TestSupport;

namespace Onceward.Postgres.Lanes;

public sealed class CommitTests
{
    [Theory]
    [InlineData(nameof(Waypoint.EffectsApplied))]
    [InlineData(nameof(Waypoint.Swapped))]
    public async Task A_session_that_is_ended_before_COMMIT_is_redone_once(string at)
    {
        var script = Publishes;
        script.Each = async (value, context, _) =>
        {
            await context.ExecuteEffectAsync(value);
            context.Publish("out", null, value);
        };
        await using var lane = await TestLane.CreateAsync(script);
        lane.Claim(0, "a", "b");
        lane.Claim(1, "c");
        var ended = 0;
        lane.Waypoints.Reached = async point =>
        {
            if (point.ToString() == at && ended++ == 0)
                await lane.TerminateAsync();
        };
        await lane.DrainAsync();
        await ShouldBeExactAsync(lane);
        lane.Script.Calls.Count.ShouldBe(6);
    }

    [Theory]
    [InlineData(Cut.BeforeCommit, 6)]
    [InlineData(Cut.AfterCommit, 3)]
    public async Task A_COMMIT_without_an_answer_is_looked_up_and_redone_only_if_it_did_not_happen(Cut cut, int calls)
    {
        TcpProxy? proxy = null;
        await using var lane = await TestLane.CreateAsync(Publishes, database => proxy = new TcpProxy(database.ConnectionString));
        await using var _ = proxy!;
        lane.Claim(0, "a", "b");
        lane.Claim(1, "c");
        proxy!.CutNext(cut);
        await lane.DrainAsync();
        proxy.Cuts.ShouldBe(1);
        await ShouldBeExactAsync(lane);
        lane.Script.Calls.Count.ShouldBe(calls);
    }

    [Fact]
    public async Task A_COMMIT_that_the_server_executes_late_wins_over_its_repetition()
    {
        TcpProxy? proxy = null;
        await using var lane = await TestLane.CreateAsync(Publishes, database => proxy = new TcpProxy(database.ConnectionString));
        await using var _ = proxy!;
        var claim = lane.Claim(0, "a", "b");
        lane.Claim(1, "c");
        proxy!.CutNext(Cut.LateCommit);
        var draining = lane.DrainAsync();
        await Eventually.HoldsAsync("the repetition waits for the row", async () =>
            await lane.Database.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0);
        proxy.ReleaseLateCommit();
        await draining;
        await ShouldBeExactAsync(lane);
        claim.Position.ShouldBe(2);
        lane.Fenced.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(Cut.BeforeCommit)]
    [InlineData(Cut.AfterCommit)]
    public async Task A_lost_answer_in_the_middle_of_isolation_neither_loses_nor_doubles_a_dead_letter(Cut cut)
    {
        TcpProxy? proxy = null;
        await using var lane = await TestLane.CreateAsync(proxy: database => proxy = new TcpProxy(database.ConnectionString), attempts: 1);
        await using var _ = proxy!;
        lane.Claim(0, "a", "forbidden", "b", "undecodable", "c");
        proxy!.CutNext(cut);
        await lane.DrainAsync();
        proxy.Cuts.ShouldBe(1);
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b", "4:c"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 SQLSTATE 23514 1", $"0:3 {ErrorCodes.Undecodable} 1"]);
    }

    [Fact]
    public async Task A_blockade_that_an_unanswered_COMMIT_has_passed_is_forgotten()
    {
        TcpProxy? proxy = null;
        await using var lane = await TestLane.CreateAsync(proxy: database => proxy = new TcpProxy(database.ConnectionString), attempts: 2, retry: r => r.Caps(1, 1));
        await using var _ = proxy!;
        var claim = lane.ClaimKeyed(0, "forbidden", "forbidden", "b");
        await lane.StepAsync();
        claim.Failure.ShouldNotBeNull("one is parked, and there is no room for the second");
        await lane.RedriveAsync();
        proxy!.CutNext(Cut.AfterCommit);
        await lane.DrainAsync();
        (await lane.DeadLettersAsync()).Count.ShouldBe(2);
        (await lane.EffectsAsync(0)).ShouldBe(["2:b"]);
        claim.Failure.ShouldBeNull("or the lane would look every millisecond for a record that is gone");
    }

    [Theory]
    [InlineData(Cut.BeforeCommit)]
    [InlineData(Cut.AfterCommit)]
    public async Task A_COMMIT_without_an_answer_parks_no_record_twice_and_forgets_none(Cut cut)
    {
        TcpProxy? proxy = null;
        await using var lane = await TestLane.CreateAsync(proxy: database => proxy = new TcpProxy(database.ConnectionString), attempts: 3);
        await using var _ = proxy!;
        lane.ClaimKeyed(0, "a:1", "k:forbidden", "k:2", "b:3");
        lane.Script.Each = async (value, context, _) => await context.ExecuteEffectAsync(value == "k:forbidden" ? "forbidden" : value);
        proxy!.CutNext(cut);
        await lane.DrainBatchesAsync();
        proxy.Cuts.ShouldBe(1);
        (await lane.EffectsAsync(0)).ShouldBe(["0:a:1", "3:b:3"]);
        (await lane.ParkedAsync()).ShouldBe(["k 0:1", "k 0:2"]);
        proxy.CutNext(cut);
        await Should.ThrowAsync<NpgsqlException>(async () => await lane.RedriveAsync());
        await lane.MakeDueAsync();
        await lane.DrainAsync();
        proxy.Cuts.ShouldBe(2);
        (await lane.EffectsAsync(0)).ShouldBe(["0:a:1", "3:b:3", "2:k:2"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 SQLSTATE 23514 3"]);
        (await lane.ParkedKeysAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_partition_that_is_taken_while_a_COMMIT_is_in_doubt_is_given_up_with_what_it_committed()
    {
        TcpProxy? proxy = null;
        await using var lane = await TestLane.CreateAsync(Publishes, database => proxy = new TcpProxy(database.ConnectionString));
        await using var _ = proxy!;
        var claim = lane.Claim(0, "a", "b");
        proxy!.CutNext(Cut.LateCommit);
        var draining = lane.DrainAsync();
        await Eventually.HoldsAsync("the repetition waits for the row", async () =>
            await lane.Database.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0);
        var stealing = lane.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET epoch = epoch + 1");
        proxy.ReleaseLateCommit();
        await stealing;
        await draining;
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b"]);
        lane.Fenced.Count.ShouldBeLessThanOrEqualTo(1);
        (claim.HasEnded || claim.Position == 2).ShouldBeTrue();
    }

    private static Script Publishes => new()
    {
        Each = (value, context, _) =>
        {
            context.StageEffect(value);
            context.Publish("out", null, value);
            return ValueTask.CompletedTask;
        },
    };

    private static async Task ShouldBeExactAsync(TestLane lane)
    {
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b"]);
        (await lane.EffectsAsync(1)).ShouldBe(["0:c"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(2);
        (await lane.Database.ColumnAsync<long>("SELECT seq FROM onceward.outbox ORDER BY channel_id, seq")).ShouldBe([0, 1, 0]);
    }
}
