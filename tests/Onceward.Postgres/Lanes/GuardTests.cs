namespace Onceward.Postgres.Lanes;

/// <summary>PostgreSQL is not to become a second Kafka: beyond its bounds a partition blocks.</summary>
public sealed class GuardTests
{
    private static Script Picky(Func<bool>? isRepaired = null) => new()
    {
        Each = (value, context, _) =>
        {
            context.StageEffect(value);
            return value.Contains("bad", StringComparison.Ordinal) && isRepaired?.Invoke() != true
                ? throw new InvalidOperationException(value) : ValueTask.CompletedTask;
        },
    };

    [Fact]
    public async Task A_key_for_which_there_is_no_room_blocks_its_partition_and_no_other()
    {
        await using var lane = await TestLane.CreateAsync(Picky(), retry: r => r.Caps(keys: 1, records: 10));
        var blocked = lane.ClaimKeyed(0, "k:bad", "l:bad", "a:1");
        lane.ClaimKeyed(1, "b:1");
        await lane.StepAsync();
        (await lane.ParkedAsync()).ShouldBe(["k 0:0"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(1);
        (await lane.EffectsAsync(0)).ShouldBeEmpty();
        (await lane.EffectsAsync(1)).ShouldBe(["0:b:1"]);
        blocked.Failure.ShouldNotBeNull().Because.ShouldBe("as much is parked as may be");
        (await lane.Database.ScalarAsync<string>("SELECT partition || ' ' || from_offset || ' ' || (detail ->> 'reason') FROM onceward.incident WHERE kind = 'partition_blocked' AND resolved_by IS NULL"))
            .ShouldBe("0 1 as much is parked as may be");
        // The attempts of the first are spent, and there is room again.
        await lane.DrainAsync();
        (await lane.DeadLettersAsync()).ShouldBe(["0:0 InvalidOperationException 3", "0:1 InvalidOperationException 3"]);
        (await lane.EffectsAsync(0)).ShouldBe(["2:a:1"]);
        blocked.Failure.ShouldBeNull();
        (await lane.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.incident WHERE resolved_by IS NULL")).ShouldBe(0);
    }

    [Fact]
    public async Task A_record_for_which_there_is_no_room_behind_its_key_blocks_its_partition_too()
    {
        var repaired = false;
        await using var lane = await TestLane.CreateAsync(Picky(() => repaired), retry: r => r.Caps(keys: 5, records: 2).HoldKey().Attempts(1));
        var claim = lane.ClaimKeyed(0, "k:bad", "k:1", "a:2", "k:3", "a:4");
        for (var i = 0; i < 5; i++)
            await lane.StepAsync();
        (await lane.ParkedAsync()).ShouldBe(["k 0:0", "k 0:1"]);
        (await lane.EffectsAsync(0)).ShouldBe(["2:a:2"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(3);
        claim.Failure.ShouldNotBeNull().Attempts.ShouldBeGreaterThan(1);
        repaired = true;
        await lane.Database.ExecuteAsync("UPDATE onceward.parked_key SET state = 'waiting'");
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:2", "0:0", "0:1", "0:3", "0:4"]);
    }

    [Fact]
    public async Task When_too_much_fails_the_partition_blocks_until_what_is_broken_is_repaired_and_nothing_more_is_parked()
    {
        var repaired = false;
        await using var lane = await TestLane.CreateAsync(Picky(() => repaired), retry: r => r.Circuit(0.5, 3, TimeSpan.FromMinutes(10)).Attempts(2));
        var claim = lane.ClaimKeyed(0, "a:1", "b:bad", "c:bad", "d:bad", "e:bad", "f:2");
        for (var i = 0; i < 5; i++)
            await lane.StepAsync();
        (await lane.ParkedAsync()).ShouldBe(["b 0:1", "c 0:2"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(3);
        claim.Failure.ShouldNotBeNull().Because.ShouldContain("too many records fail");
        repaired = true;
        await lane.DrainAsync();
        (await lane.DeadLettersAsync()).ShouldBeEmpty();
        (await lane.PlacesAsync()).Order().ShouldBe(["0:0", "0:1", "0:2", "0:3", "0:4", "0:5"]);
    }

    [Fact]
    public async Task Undecodable_bytes_open_the_circuit_like_any_failure()
    {
        await using var lane = await TestLane.CreateAsync(Picky(), retry: r => r.Circuit(0.5, 3, TimeSpan.FromMinutes(10)));
        lane.Claim(0, [.. Enumerable.Repeat("undecodable", 10)]);
        for (var i = 0; i < 5; i++)
            await lane.StepAsync();
        (await lane.DeadLettersAsync()).Count.ShouldBe(2);
        (await lane.NextOffsetAsync(0)).ShouldBe(2);
    }
}
