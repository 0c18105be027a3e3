using Onceward.Diagnostics;
using Onceward.Ledger;
using Onceward.TestSupport;

namespace Onceward.Postgres.Lanes;

public sealed class ParkingTests
{
    /// <summary>Writes the effect at once and fails on values that contain "bad".</summary>
    private static Script Picky(Func<bool>? isRepaired = null) => new()
    {
        Each = async (value, context, _) =>
        {
            await context.ExecuteEffectAsync(value);
            if (value.Contains("bad", StringComparison.Ordinal) && isRepaired?.Invoke() != true)
                throw new InvalidOperationException(value);
        },
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Later_records_of_a_key_stand_behind_the_one_that_failed_and_other_keys_overtake_them(bool setBased)
    {
        var script = Picky();
        script.Many = async (records, context, _) =>
        {
            foreach (var (value, source) in records)
            {
                context.Stage(Effect.Insert(source, value));
                if (value.Contains("bad", StringComparison.Ordinal))
                    throw new InvalidOperationException(value);
            }
            await Task.CompletedTask;
        };
        await using var lane = await TestLane.CreateAsync(script, setBased: setBased);
        var claim = lane.ClaimKeyed(0, "a:1", "k:bad", "k:2", "b:3", "k:4");
        await lane.DrainBatchesAsync();
        TestLane.AddKeyed(claim, "k:5", "a:6");
        await lane.DrainBatchesAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a:1", "3:b:3", "6:a:6"]);
        (await lane.ParkedAsync()).ShouldBe(["k 0:1", "k 0:2", "k 0:4", "k 0:5"]);
        (await lane.ParkedKeysAsync()).ShouldBe(["k waiting 1"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(7);
    }

    [Fact]
    public async Task A_key_is_looked_up_in_every_partition_that_it_may_have_moved_to()
    {
        await using var lane = await TestLane.CreateAsync(Picky());
        lane.ClaimKeyed(0, "k:bad");
        await lane.DrainBatchesAsync();
        lane.ClaimKeyed(1, "k:1", "a:2");
        await lane.DrainBatchesAsync();
        (await lane.EffectsAsync(1)).ShouldBe(["1:a:2"]);
        (await lane.ParkedAsync()).ShouldBe(["k 0:0", "k 1:0"]);
    }

    [Fact]
    public async Task A_successor_puts_later_records_behind_a_key_that_its_predecessor_parked()
    {
        await using var lane = await TestLane.CreateAsync(Picky());
        lane.ClaimKeyed(0, "k:bad");
        await lane.DrainBatchesAsync();
        lane.ClaimKeyed(0, "k:1", "a:2");
        await lane.DrainBatchesAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["2:a:2"]);
        (await lane.ParkedAsync()).ShouldBe(["k 0:0", "k 0:1"]);
    }

    [Fact]
    public async Task Without_parked_keys_batches_stop_looking_and_see_one_that_another_process_parks_all_the_same()
    {
        await using var lane = await TestLane.CreateAsync(Picky());
        var claim = lane.ClaimKeyed(1, "a:1");
        await lane.DrainBatchesAsync();
        claim.MayHaveParkedKeys.ShouldBeFalse();
        await using var another = lane.Second(Picky());
        another.ClaimKeyed(0, "k:bad");
        await another.DrainBatchesAsync();
        TestLane.AddKeyed(claim, "k:2", "a:3");
        await lane.DrainBatchesAsync();
        (await lane.EffectsAsync(1)).ShouldBe(["0:a:1", "2:a:3"]);
        (await lane.ParkedAsync()).ShouldBe(["k 0:0", "k 1:1"]);
        claim.MayHaveParkedKeys.ShouldBeTrue();
    }

    [Fact]
    public async Task A_key_that_is_parked_while_the_batch_runs_is_seen_before_anything_is_committed()
    {
        await using var lane = await TestLane.CreateAsync(Picky());
        await using var another = lane.Second(Picky());
        another.ClaimKeyed(0, "x:bad");
        await another.DrainBatchesAsync();
        // The lane looks, because x is parked, and does not find k.
        lane.ClaimKeyed(1, "k:1", "a:2");
        var parked = false;
        lane.Waypoints.Reached = async point =>
        {
            if (point is not Waypoint.EffectsApplied || parked)
                return;
            parked = true;
            another.ClaimKeyed(2, "k:bad");
            await another.DrainBatchesAsync();
        };
        await lane.DrainBatchesAsync();
        (await lane.EffectsAsync(1)).ShouldBe(["1:a:2"]);
        (await lane.ParkedAsync()).ShouldBe(["x 0:0", "k 2:0", "k 1:0"]);
    }

    [Fact]
    public async Task A_key_that_the_batch_parks_itself_and_somebody_else_parked_meanwhile_is_seen_too()
    {
        await using var lane = await TestLane.CreateAsync(Picky());
        await using var another = lane.Second(Picky());
        lane.ClaimKeyed(1, "k:1", "k:bad", "a:2");
        var parked = false;
        lane.Waypoints.Reached = async point =>
        {
            if (point is not Waypoint.EffectsApplied || parked)
                return;
            parked = true;
            another.ClaimKeyed(2, "k:bad");
            await another.DrainBatchesAsync();
        };
        await lane.DrainBatchesAsync();
        (await lane.EffectsAsync(1)).ShouldBe(["2:a:2"]);
        (await lane.ParkedAsync()).ShouldBe(["k 2:0", "k 1:0", "k 1:1"]);
    }

    [Fact]
    public async Task When_the_last_parked_key_is_gone_batches_stop_looking_again()
    {
        var repaired = false;
        await using var lane = await TestLane.CreateAsync(Picky(() => repaired));
        var claim = lane.ClaimKeyed(0, "k:bad");
        await lane.DrainBatchesAsync();
        claim.MayHaveParkedKeys.ShouldBeTrue();
        repaired = true;
        await lane.DrainAsync();
        TestLane.AddKeyed(claim, "k:1");
        await lane.DrainAsync();
        claim.MayHaveParkedKeys.ShouldBeFalse();
        (await lane.EffectsAsync(0)).ShouldBe(["0:k:bad", "1:k:1"]);
    }

    [Fact]
    public async Task Records_without_a_key_are_parked_each_alone()
    {
        await using var lane = await TestLane.CreateAsync(Picky());
        lane.ClaimKeyed(0, "bad1", "x", "bad2", "y");
        await lane.DrainBatchesAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["1:x", "3:y"]);
        (await lane.ParkedAsync()).ShouldBe(["- 0:0", "- 0:2"]);
        (await lane.ParkedKeysAsync()).ShouldBe(["- waiting 1", "- waiting 1"]);
    }

    [Fact]
    public async Task Bytes_that_cannot_be_decoded_stand_behind_their_key_like_any_other_record()
    {
        await using var lane = await TestLane.CreateAsync(Picky());
        var claim = lane.ClaimKeyed(0, "k:bad");
        claim.Add(TestRecord.At(claim.Partition, 1, "undecodable", "k"));
        await lane.DrainBatchesAsync();
        (await lane.ParkedAsync()).ShouldBe(["k 0:0", "k 0:1"]);
        (await lane.DeadLettersAsync()).ShouldBeEmpty();
        await lane.DrainAsync();
        (await lane.DeadLettersAsync()).ShouldBe(["0:0 InvalidOperationException 3", $"0:1 {ErrorCodes.Undecodable} 1"]);
    }

    [Fact]
    public async Task A_fenced_batch_parks_nothing()
    {
        await using var lane = await TestLane.CreateAsync(Picky());
        lane.ClaimKeyed(0, "k:bad", "k:1");
        lane.Waypoints.Reached = point =>
        {
            if (point is Waypoint.EffectsApplied && lane.Fenced.Count == 0)
                lane.Steal(0);
            return ValueTask.CompletedTask;
        };
        await lane.DrainBatchesAsync();
        (await lane.ParkedAsync()).ShouldBeEmpty();
        (await lane.ParkedKeysAsync()).ShouldBeEmpty();
        (await lane.NextOffsetAsync(0)).ShouldBe(0);
    }

    [Fact]
    public async Task A_key_of_a_megabyte_and_a_value_of_a_megabyte_can_be_parked_and_redriven()
    {
        var repaired = false;
        await using var lane = await TestLane.CreateAsync(Picky(() => repaired));
        var claim = lane.ClaimKeyed(0);
        var key = new string('k', 1_000_000);
        claim.Add(TestRecord.At(claim.Partition, 0, "bad" + new string('v', 1_000_000), key));
        claim.Add(TestRecord.At(claim.Partition, 1, "second", key));
        await lane.DrainBatchesAsync();
        (await lane.Database.ScalarAsync<int>("SELECT length(key) FROM onceward.parked_key")).ShouldBe(1_000_000);
        repaired = true;
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:0", "0:1"]);
    }

    [Fact]
    public async Task The_digest_of_a_key_is_the_one_that_the_schema_computes()
    {
        await using var lane = await TestLane.CreateAsync(Picky(), attempts: 3);
        lane.ClaimKeyed(0, "k:bad");
        await lane.DrainBatchesAsync();
        (await lane.Database.ScalarAsync<bool>("""SELECT key_id = sha256('\x01'::bytea || key) FROM onceward.parked_key""")).ShouldBeTrue();
    }

    [Fact]
    public async Task A_record_parked_twice_is_refused_by_the_ledger()
    {
        await using var lane = await TestLane.CreateAsync(Picky());
        lane.ClaimKeyed(0, "k:bad");
        await lane.DrainBatchesAsync();
        var again = await Should.ThrowAsync<Npgsql.PostgresException>(() => lane.Database.ExecuteAsync("""
            INSERT INTO onceward.parked_record (subscription_id, key_id, partition, "offset", headers, ts) SELECT subscription_id, key_id, 0, 0, '', 0 FROM onceward.parked_key
            """));
        again.SqlState.ShouldBe("23505");
        var forgotten = await Should.ThrowAsync<Npgsql.PostgresException>(() => lane.Database.ExecuteAsync("DELETE FROM onceward.parked_key"));
        forgotten.SqlState.ShouldBe("23503");
    }

    [Fact]
    public async Task A_held_key_leaves_a_note_for_the_person_who_must_decide()
    {
        await using var lane = await TestLane.CreateAsync(Picky(), attempts: 1, retry: r => r.HoldKey());
        lane.ClaimKeyed(0, "k:bad", "k:1", "a:2");
        await lane.DrainAsync();
        (await lane.ParkedKeysAsync()).ShouldBe(["k held 1"]);
        (await lane.ParkedAsync()).ShouldBe(["k 0:0", "k 0:1"]);
        (await lane.EffectsAsync(0)).ShouldBe(["2:a:2"]);
        (await lane.DeadLettersAsync()).ShouldBeEmpty();
        (await lane.Database.ScalarAsync<string>($"SELECT detail ->> 'key' FROM onceward.incident WHERE kind = '{IncidentStore.HeldKey}'")).ShouldBe("k");
    }
}
