using Npgsql;

namespace Onceward.Postgres.Lanes;

/// <summary>What becomes of a batch with records that cannot be applied.</summary>
public sealed class IsolationTests
{
    private static readonly Script s_refusesPoison = new()
    {
        Each = (value, context, _) =>
        {
            if (value.StartsWith("poison", StringComparison.Ordinal))
                throw new InvalidOperationException($"{value} cannot be applied");
            context.StageEffect(value);
            return ValueTask.CompletedTask;
        },
    };

    [Fact]
    public async Task Effects_and_offset_are_committed_together()
    {
        await using var lane = await TestLane.CreateAsync();
        lane.Claim(0, "a", "b", "c");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b", "2:c"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(3);
    }

    [Fact]
    public async Task A_record_that_fails_becomes_a_dead_letter_in_its_turn_and_all_others_are_applied()
    {
        await using var lane = await TestLane.CreateAsync(s_refusesPoison, attempts: 3);
        lane.Claim(0, "a", "poison", "b", "c");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b", "3:c"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 InvalidOperationException 3"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(4);
    }

    [Fact]
    public async Task What_is_behind_a_failing_record_waits_and_other_partitions_go_on()
    {
        await using var lane = await TestLane.CreateAsync(s_refusesPoison, attempts: 2);
        lane.Claim(0, "a", "poison", "b");
        lane.Claim(1, "x", "y");
        await lane.StepAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(1);
        (await lane.EffectsAsync(1)).ShouldBe(["0:x", "1:y"]);
        (await lane.DeadLettersAsync()).ShouldBeEmpty();
        await lane.StepAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 InvalidOperationException 2"]);
    }

    [Fact]
    public async Task Dead_letters_go_to_their_topic_through_the_outbox_in_order()
    {
        await using var lane = await TestLane.CreateAsync(s_refusesPoison, attempts: 1, deadLetterTopic: "orders.dlq");
        lane.Claim(0, "poison1", "a", "poison2");
        await lane.DrainAsync();
        (await lane.Database.ColumnAsync<string>("SELECT seq || ' ' || topic || ' ' || convert_from(value, 'UTF8') FROM onceward.outbox ORDER BY seq"))
            .ShouldBe(["0 orders.dlq poison1", "1 orders.dlq poison2"]);
    }

    [Fact]
    public async Task A_set_based_handler_needs_no_error_handling_for_several_poison_records()
    {
        var script = new Script
        {
            Many = (records, context, _) =>
            {
                if (records.Any(r => r.Message.StartsWith("poison", StringComparison.Ordinal)))
                    throw new InvalidOperationException("a record of many");
                foreach (var (value, source) in records)
                    context.Stage(Effect.Insert(source, value));
                return ValueTask.CompletedTask;
            },
        };
        await using var lane = await TestLane.CreateAsync(script, attempts: 1, setBased: true);
        lane.Claim(0, [.. Enumerable.Range(0, 50).Select(i => i is 7 or 8 or 31 ? "poison" : $"v{i}")]);
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(Enumerable.Range(0, 50).Where(i => i is not (7 or 8 or 31)).Select(i => $"{i}:v{i}"));
        (await lane.DeadLettersAsync()).Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_staged_write_that_breaks_a_constraint_is_its_records_fault()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 1);
        lane.Claim(0, "a", "forbidden", "b");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 SQLSTATE 23514 1"]);
    }

    [Fact]
    public async Task A_constraint_that_speaks_only_at_COMMIT_is_still_isolated()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 1, sql: "CREATE TABLE once (value text, UNIQUE (value) DEFERRABLE INITIALLY DEFERRED);", script: new Script
        {
            Each = (value, context, _) =>
            {
                context.StageEffect(value);
                context.Stage(new NpgsqlBatchCommand("INSERT INTO once VALUES ($1)") { Parameters = { new NpgsqlParameter<string> { TypedValue = value } } });
                return ValueTask.CompletedTask;
            },
        });
        lane.Claim(0, "a", "b", "a", "c");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b", "3:c"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:2 SQLSTATE 23505 1"]);
    }

    [Fact]
    public async Task A_handler_that_swallows_what_the_database_said_is_found()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 1, script: new Script
        {
            Each = async (value, context, _) =>
            {
                try
                {
                    await context.ExecuteEffectAsync(value);
                }
                catch (PostgresException)
                {
                    // What such a handler does: nothing.
                }
            },
        });
        lane.Claim(0, "a", "forbidden", "b");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 SQLSTATE 25P02 1"]);
    }

    [Fact]
    public async Task What_says_that_it_is_transient_never_becomes_a_dead_letter()
    {
        var failures = 0;
        await using var lane = await TestLane.CreateAsync(attempts: 1, script: new Script
        {
            Each = (value, context, _) =>
            {
                if (value == "b" && ++failures < 5)
                    throw new OncewardException(ErrorCodes.Transient, "The dependency is down.", isTransient: true);
                context.StageEffect(value);
                return ValueTask.CompletedTask;
            },
        });
        lane.Claim(0, "a", "b", "c");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b", "2:c"]);
        (await lane.DeadLettersAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Bytes_that_cannot_be_decoded_are_dead_at_the_first_attempt()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 5);
        lane.Claim(0, "a", "undecodable", "b");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 ONCE-DECODE 1"]);
    }

    [Fact]
    public async Task A_repetition_under_the_same_event_id_is_dropped_in_a_batch_and_across_batches()
    {
        await using var lane = await TestLane.CreateAsync(dedupeBy: value => value[..1]);
        var claim = lane.Claim(0, "a1", "b1", "a2");
        await lane.DrainAsync();
        claim.Add(TestSupport.TestRecord.At(claim.Partition, 3, "b2"));
        claim.Add(TestSupport.TestRecord.At(claim.Partition, 4, "c1"));
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a1", "1:b1", "4:c1"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(5);
    }

    [Fact]
    public async Task The_event_id_of_a_dead_letter_is_not_remembered()
    {
        await using var lane = await TestLane.CreateAsync(s_refusesPoison, attempts: 1, dedupeBy: value => value);
        lane.Claim(0, "a", "poison", "b");
        await lane.DrainAsync();
        (await lane.Database.ColumnAsync<string>("SELECT event_id FROM onceward.seen_event ORDER BY 1")).ShouldBe(["a", "b"]);
    }
}
