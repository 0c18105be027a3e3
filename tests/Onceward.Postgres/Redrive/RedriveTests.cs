using Onceward.Diagnostics;
using Onceward.TestSupport;

namespace Onceward.Postgres.Redrive;

public sealed class RedriveTests
{
    private static Script Picky(Func<string, bool> fails) => new()
    {
        Each = async (value, context, _) =>
        {
            await context.ExecuteEffectAsync(value);
            context.Publish("out", null, value);
            if (fails(value))
                throw new InvalidOperationException(value);
        },
    };

    [Fact]
    public async Task Parked_records_are_applied_in_the_order_of_their_arrival_and_the_key_is_free()
    {
        var broken = true;
        await using var lane = await TestLane.CreateAsync(Picky(v => broken && v == "k:bad"), attempts: 9);
        var claim = lane.ClaimKeyed(1, "k:bad", "a:1", "k:2");
        await lane.DrainBatchesAsync();
        // Its key has moved to a partition with lower numbers.
        lane.ClaimKeyed(0, "k:3");
        await lane.DrainBatchesAsync();
        (await lane.RedriveAsync()).ShouldBeTrue();
        (await lane.ParkedAsync()).ShouldBe(["k 1:0", "k 1:2", "k 0:0"]);
        (await lane.ParkedKeysAsync()).ShouldBe(["k waiting 2"]);
        broken = false;
        (await lane.RedriveAsync()).ShouldBeTrue();
        (await lane.RedriveAsync()).ShouldBeFalse();
        (await lane.ParkedKeysAsync()).ShouldBeEmpty();
        TestLane.AddKeyed(claim, "k:4");
        await lane.DrainBatchesAsync();
        (await lane.PlacesAsync()).ShouldBe(["1:1", "1:0", "1:2", "0:0", "1:3"]);
    }

    [Fact]
    public async Task A_record_behind_the_head_that_fails_is_the_next_head_with_attempts_of_its_own()
    {
        var fails = new HashSet<string> { "k:1", "k:2" };
        await using var lane = await TestLane.CreateAsync(Picky(fails.Contains), attempts: 5);
        lane.ClaimKeyed(0, "k:1", "k:2", "k:3");
        await lane.DrainBatchesAsync();
        await lane.RedriveAsync();
        (await lane.ParkedKeysAsync()).ShouldBe(["k waiting 2"]);
        fails.Remove("k:1");
        await lane.RedriveAsync();
        (await lane.ParkedKeysAsync()).ShouldBe(["k waiting 1"]);
        (await lane.ParkedAsync()).ShouldBe(["k 0:1", "k 0:2"]);
        (await lane.PlacesAsync()).ShouldBe(["0:0"]);
    }

    [Fact]
    public async Task When_its_attempts_are_spent_the_head_is_a_dead_letter_and_the_key_goes_on()
    {
        await using var lane = await TestLane.CreateAsync(Picky(v => v == "k:1"), attempts: 3, deadLetterTopic: "orders.dlq");
        lane.ClaimKeyed(0, "k:1", "k:2", "k:3");
        await lane.DrainAsync();
        (await lane.DeadLettersAsync()).ShouldBe(["0:0 InvalidOperationException 3"]);
        (await lane.PlacesAsync()).ShouldBe(["0:1", "0:2"]);
        (await lane.ParkedKeysAsync()).ShouldBeEmpty();
        // One channel, dense, whoever took the numbers.
        (await lane.Database.ColumnAsync<string>("SELECT seq || ' ' || topic FROM onceward.outbox ORDER BY seq")).ShouldBe(["0 orders.dlq", "1 out", "2 out"]);
    }

    [Fact]
    public async Task A_held_key_waits_for_a_person_and_everything_behind_it_with_it()
    {
        var broken = true;
        await using var lane = await TestLane.CreateAsync(Picky(v => broken && v == "k:1"), attempts: 2, retry: r => r.HoldKey());
        var claim = lane.ClaimKeyed(0, "k:1", "k:2");
        await lane.DrainAsync();
        TestLane.AddKeyed(claim, "k:3", "a:4");
        await lane.DrainAsync();
        (await lane.ParkedKeysAsync()).ShouldBe(["k held 2"]);
        (await lane.PlacesAsync()).ShouldBe(["0:3"]);
        (await lane.DeadLettersAsync()).ShouldBeEmpty();
        broken = false;
        (await lane.RedriveAsync()).ShouldBeFalse();
    }

    [Fact]
    public async Task Nothing_is_tried_before_its_time()
    {
        await using var lane = await TestLane.CreateAsync(Picky(_ => true), retry: r => r.Backoff(TimeSpan.FromHours(1), TimeSpan.FromHours(2)));
        lane.ClaimKeyed(0, "k:1");
        await lane.DrainBatchesAsync();
        (await lane.RedriveAsync()).ShouldBeFalse();
        (await lane.Database.ScalarAsync<bool>("SELECT next_attempt_at - parked_at BETWEEN interval '30 minutes' AND interval '1 hour' FROM onceward.parked_key")).ShouldBeTrue();
    }

    [Fact]
    public async Task A_batch_that_meets_the_key_of_a_running_redrive_waits_for_it_before_it_calls_any_handler()
    {
        var entered = new TaskCompletionSource();
        var leave = new TaskCompletionSource();
        var redriving = false;
        var script = Picky(v => v == "k:1" && !redriving);
        var each = script.Each;
        script.Each = async (value, context, cancellationToken) =>
        {
            if (redriving && value == "k:1")
            {
                entered.SetResult();
                await leave.Task;
            }
            await each(value, context, cancellationToken);
        };
        await using var lane = await TestLane.CreateAsync(script, attempts: 5);
        var claim = lane.ClaimKeyed(0, "k:1");
        await lane.DrainBatchesAsync();
        script.Calls.Clear();
        redriving = true;
        var redrive = lane.RedriveAsync();
        await entered.Task;
        TestLane.AddKeyed(claim, "a:2", "k:3");
        var batch = lane.DrainBatchesAsync();
        await Eventually.HoldsAsync("the batch waits for the key", async () => await lane.Database.ScalarAsync<long>(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0);
        script.Calls.ShouldBe(["0:0"]);
        leave.SetResult();
        await redrive;
        await batch;
        (await lane.PlacesAsync()).ShouldBe(["0:0", "0:1", "0:2"]);
        (await lane.ParkedKeysAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_redrive_passes_over_a_key_behind_which_a_batch_is_parking()
    {
        var broken = true;
        await using var lane = await TestLane.CreateAsync(Picky(v => broken && v == "k:1"), attempts: 5);
        var claim = lane.ClaimKeyed(0, "k:1");
        await lane.DrainBatchesAsync();
        broken = false;
        TestLane.AddKeyed(claim, "a:2", "k:3");
        bool? redriven = null;
        lane.Waypoints.Reached = async point =>
        {
            if (point is Waypoint.EffectsApplied)
                redriven = await lane.RedriveAsync();
        };
        await lane.DrainBatchesAsync();
        redriven.ShouldBe(false);
        (await lane.ParkedAsync()).ShouldBe(["k 0:0", "k 0:2"]);
        lane.Waypoints.Reached = null;
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:1", "0:0", "0:2"]);
    }

    [Fact]
    public async Task Of_two_redrives_one_has_the_key()
    {
        var broken = true;
        await using var lane = await TestLane.CreateAsync(Picky(v => broken && v == "k:1"), attempts: 5);
        lane.ClaimKeyed(0, "k:1", "k:2");
        await lane.DrainBatchesAsync();
        broken = false;
        await using var another = lane.Second(Picky(_ => false));
        bool? second = null;
        lane.Waypoints.Reached = async point =>
        {
            if (point is Waypoint.Redriven)
                second = await another.RedriveAsync();
        };
        (await lane.RedriveAsync()).ShouldBeTrue();
        second.ShouldBe(false);
        another.Script.Calls.ShouldBeEmpty();
        (await lane.PlacesAsync()).ShouldBe(["0:0", "0:1"]);
    }

    [Fact]
    public async Task A_redrive_that_is_ended_before_COMMIT_has_done_nothing()
    {
        var broken = true;
        await using var lane = await TestLane.CreateAsync(Picky(v => broken && v == "k:1"), attempts: 5);
        lane.ClaimKeyed(0, "k:1", "k:2");
        await lane.DrainBatchesAsync();
        broken = false;
        var ended = false;
        lane.Waypoints.Reached = async point =>
        {
            if (point is not Waypoint.Redriven || ended)
                return;
            ended = true;
            await lane.TerminateAsync();
        };
        await Should.ThrowAsync<Npgsql.NpgsqlException>(() => lane.RedriveAsync());
        (await lane.PlacesAsync()).ShouldBeEmpty();
        (await lane.ParkedAsync()).ShouldBe(["k 0:0", "k 0:1"]);
        await lane.MakeDueAsync();
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:0", "0:1"]);
    }

    [Fact]
    public async Task Records_that_somebody_took_out_by_hand_roll_the_redrive_back()
    {
        var broken = true;
        await using var lane = await TestLane.CreateAsync(Picky(v => broken && v == "k:1"), attempts: 5);
        lane.ClaimKeyed(0, "k:1", "k:2");
        await lane.DrainBatchesAsync();
        broken = false;
        lane.Script.Each = async (value, context, _) =>
        {
            await context.ExecuteEffectAsync(value);
            await lane.Database.ExecuteAsync("""DELETE FROM onceward.parked_record WHERE "offset" = 1""");
        };
        (await Should.ThrowAsync<OncewardException>(() => lane.RedriveAsync())).IsTransient.ShouldBeTrue();
        (await lane.PlacesAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task More_records_than_one_transaction_takes_are_applied_one_part_after_another()
    {
        var broken = true;
        await using var lane = await TestLane.CreateAsync(Picky(v => broken && v == "k:0"), attempts: 5);
        lane.ClaimKeyed(0, [.. Enumerable.Range(0, 200).Select(i => $"k:{i}")]);
        await lane.DrainBatchesAsync();
        broken = false;
        (await lane.RedriveAsync()).ShouldBeTrue();
        (await lane.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.parked_record")).ShouldBe(100);
        await lane.DrainAsync();
        (await lane.PlacesAsync()).SequenceEqual(Enumerable.Range(0, 200).Select(i => $"0:{i}")).ShouldBeTrue();
        (await lane.ParkedKeysAsync()).ShouldBeEmpty();
    }
}
