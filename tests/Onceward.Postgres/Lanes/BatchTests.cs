namespace Onceward.Postgres.Lanes;

public sealed class BatchTests
{
    [Fact]
    public async Task Effects_messages_and_offsets_of_all_partitions_are_committed_together()
    {
        await using var lane = await TestLane.CreateAsync(new Script
        {
            Each = (value, context, _) =>
            {
                context.StageEffect(value);
                context.Publish("out", null, value);
                return ValueTask.CompletedTask;
            },
        });
        var (first, second) = (lane.Claim(0, "a", "b"), lane.Claim(1, "c"));
        await lane.StepAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b"]);
        (await lane.EffectsAsync(1)).ShouldBe(["0:c"]);
        (first.Position, second.Position, await lane.NextOffsetAsync(0), await lane.NextOffsetAsync(1)).ShouldBe((2, 1, 2, 1));
        (await lane.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.outbox")).ShouldBe(3);
        (await lane.Database.ScalarAsync<long>("SELECT count(DISTINCT xmin::text) FROM (SELECT xmin FROM effect UNION ALL SELECT xmin FROM onceward.consumer_offset UNION ALL SELECT xmin FROM onceward.outbox) x")).ShouldBe(1);
    }

    [Fact]
    public async Task A_batch_that_is_aborted_leaves_nothing()
    {
        using var aborting = new CancellationTokenSource();
        await using var lane = await TestLane.CreateAsync(new Script
        {
            Each = async (value, context, cancellationToken) =>
            {
                await context.ExecuteEffectAsync(value);
                await aborting.CancelAsync();
                cancellationToken.ThrowIfCancellationRequested();
            },
        });
        var claim = lane.Claim(0, "a");
        await Should.ThrowAsync<OperationCanceledException>(() => lane.StepAsync(aborting.Token));
        (await lane.EffectsAsync(0)).ShouldBeEmpty();
        (await lane.NextOffsetAsync(0)).ShouldBe(0);
        claim.Position.ShouldBe(0);
    }

    [Fact]
    public async Task A_transient_failure_is_tried_again_beyond_all_attempts_and_never_becomes_a_dead_letter()
    {
        var failures = 0;
        await using var lane = await TestLane.CreateAsync(attempts: 1, script: new Script
        {
            Each = (value, context, _) =>
            {
                context.StageEffect(value);
                return ++failures <= 4 ? throw new OncewardException("MINE", "The registry is down.", isTransient: true) : ValueTask.CompletedTask;
            },
        });
        lane.Claim(0, "a");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a"]);
        (await lane.DeadLettersAsync()).ShouldBeEmpty();
        lane.Script.Calls.Count.ShouldBe(5);
    }

    [Fact]
    public async Task Every_attempt_has_a_handler_and_a_scope_of_its_own_which_are_closed_behind_it()
    {
        var fails = true;
        await using var lane = await TestLane.CreateAsync(new Script
        {
            Each = (_, _, _) => fails ? throw new OncewardException("MINE", "once more", isTransient: !(fails = false)) : ValueTask.CompletedTask,
        });
        lane.Claim(0, "a", "b");
        await lane.DrainAsync();
        lane.Script.Calls.ShouldBe(["0:0", "0:0", "0:1"]);
        lane.Script.Scopes.Select(s => s.IsClosed).ShouldBe([true, true]);
    }

    [Fact]
    public async Task A_staged_statement_with_a_result_of_its_own_is_not_taken_for_the_swap()
    {
        await using var lane = await TestLane.CreateAsync(new Script
        {
            Each = (_, context, _) =>
            {
                context.Stage(new Npgsql.NpgsqlBatchCommand("INSERT INTO effect (partition, value) VALUES (7, 'x') RETURNING partition, partition"));
                context.Stage(new Npgsql.NpgsqlBatchCommand("SELECT 1, 2, 3"));
                return ValueTask.CompletedTask;
            },
        });
        lane.Claim(0, "a");
        await lane.StepAsync();
        (await lane.NextOffsetAsync(0)).ShouldBe(1);
        lane.Steal(0);
        var claim = lane.Claim(1, "b");
        lane.Steal(1);
        await lane.StepAsync();
        lane.Fenced.ShouldBe([claim]);
    }

    [Fact]
    public async Task Idle_partitions_move_to_the_end_of_their_log_and_call_no_handler()
    {
        await using var lane = await TestLane.CreateAsync();
        lane.Claim(0).ReachEnd(4);
        await lane.StepAsync();
        (await lane.NextOffsetAsync(0)).ShouldBe(4);
        lane.Script.Calls.ShouldBeEmpty();
    }
}
