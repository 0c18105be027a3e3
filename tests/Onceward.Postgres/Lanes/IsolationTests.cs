using Npgsql;
using Onceward.Outbox;
using Onceward.TestSupport;

namespace Onceward.Postgres.Lanes;

public sealed class IsolationTests
{
    private const string Deferred = """
        CREATE TABLE parent (value text PRIMARY KEY);
        CREATE TABLE child (value text REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
        INSERT INTO parent VALUES ('a'), ('b'), ('c');
        """;

    /// <summary>Stages the effect and fails on values that begin with "bad".</summary>
    private static Script Picky => new()
    {
        Each = (value, context, _) =>
        {
            context.StageEffect(value);
            context.Publish("out", null, value);
            return value.StartsWith("bad", StringComparison.Ordinal) ? throw new InvalidOperationException(value) : ValueTask.CompletedTask;
        },
    };

    [Fact]
    public async Task The_record_at_fault_waits_alone_while_its_partition_and_others_go_on()
    {
        await using var lane = await TestLane.CreateAsync(Picky);
        lane.Claim(0, "a", "bad", "b");
        lane.Claim(1, "c", "d");
        await lane.StepAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b"]);
        (await lane.EffectsAsync(1)).ShouldBe(["0:c", "1:d"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(3);
        (await lane.ParkedAsync()).ShouldBe(["key-bad 0:1"]);
        (await lane.DeadLettersAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task After_its_attempts_it_is_a_dead_letter_and_what_stood_behind_it_is_applied()
    {
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 3);
        lane.Claim(0, "a", "bad", "b", "c");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b", "3:c"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 InvalidOperationException 3"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(4);
        (await lane.Database.ColumnAsync<string>("SELECT convert_from(value, 'utf8') FROM onceward.outbox ORDER BY seq")).ShouldBe(["\"a\"", "\"b\"", "\"c\""]);
    }

    [Fact]
    public async Task Several_at_fault_in_several_partitions_become_dead_letters()
    {
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 2);
        lane.Claim(0, "bad1", "a", "bad2", "bad3");
        lane.Claim(1, "b", "bad4", "c");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["1:a"]);
        (await lane.EffectsAsync(1)).ShouldBe(["0:b", "2:c"]);
        (await lane.DeadLettersAsync()).ShouldBe(
            ["0:0 InvalidOperationException 2", "0:2 InvalidOperationException 2", "0:3 InvalidOperationException 2", "1:1 InvalidOperationException 2"], ignoreOrder: true);
    }

    [Fact]
    public async Task With_one_attempt_all_others_are_applied_in_the_same_transaction_and_the_topic_gets_the_letters_in_their_place()
    {
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 1, deadLetterTopic: "orders.dlq");
        lane.Claim(0, "a", "bad1", "b", "bad2", "c");
        (await lane.StepAsync()).ShouldBeTrue();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b", "4:c"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 InvalidOperationException 1", "0:3 InvalidOperationException 1"]);
        (await lane.Database.ColumnAsync<string>("SELECT topic || ' ' || convert_from(value, 'utf8') FROM onceward.outbox ORDER BY seq"))
            .ShouldBe(["out \"a\"", "orders.dlq bad1", "out \"b\"", "orders.dlq bad2", "out \"c\""]);
        var headers = HeaderCodec.Decode(await lane.Database.ScalarAsync<byte[]>("SELECT headers FROM onceward.outbox WHERE seq = 1"));
        headers.Text("onceward-dlq-offset").ShouldBe("1");
    }

    [Fact]
    public async Task A_set_based_handler_is_called_for_ever_smaller_parts_until_each_record_at_fault_stands_alone()
    {
        await using var lane = await TestLane.CreateAsync(setBased: true, attempts: 1);
        lane.Script.Many = async (records, context, cancellationToken) =>
        {
            await using var command = new NpgsqlCommand(
                """INSERT INTO effect (partition, "offset", value) SELECT 0, * FROM unnest($1, $2)""", context.Connection, context.Transaction)
            {
                Parameters =
                {
                    new NpgsqlParameter<long[]> { TypedValue = [.. records.Select(r => r.Position.Offset.Value)] },
                    new NpgsqlParameter<string[]> { TypedValue = [.. records.Select(r => r.Message)] },
                },
            };
            await command.ExecuteNonQueryAsync(cancellationToken);
        };
        lane.Claim(0, "a", "forbidden", "b", "c", "d", "forbidden", "forbidden", "e");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b", "3:c", "4:d", "7:e"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 SQLSTATE 23514 1", "0:5 SQLSTATE 23514 1", "0:6 SQLSTATE 23514 1"]);
    }

    [Fact]
    public async Task A_staged_write_that_violates_a_constraint_is_its_records_fault()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 2);
        lane.Claim(0, "a", "forbidden", "b");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 SQLSTATE 23514 2"]);
    }

    [Fact]
    public async Task A_deferred_constraint_is_checked_while_its_record_can_still_be_told()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 2, sql: Deferred, script: new Script
        {
            Each = (value, context, _) =>
            {
                context.StageEffect(value);
                context.Stage(new NpgsqlBatchCommand("INSERT INTO child VALUES ($1)") { Parameters = { new NpgsqlParameter<string> { TypedValue = value } } });
                return ValueTask.CompletedTask;
            },
        });
        lane.Claim(0, "a", "orphan", "b");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 SQLSTATE 23503 2"]);
    }

    [Fact]
    public async Task A_constraint_that_was_checked_for_one_record_is_still_deferred_for_the_next()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 1, sql: Deferred, script: new Script
        {
            Each = async (value, context, cancellationToken) =>
            {
                // The child before its parent: legal only as long as the constraint waits for the end.
                await using var batch = new NpgsqlBatch(context.Connection, context.Transaction)
                {
                    BatchCommands = { new($"INSERT INTO child VALUES ('new-{value}')"), new($"INSERT INTO parent VALUES ('new-{value}')"), Effect.Insert(context.Record, value) },
                };
                await batch.ExecuteNonQueryAsync(cancellationToken);
            },
        });
        lane.Claim(0, "a", "forbidden", "b", "c");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b", "3:c"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 SQLSTATE 23514 1"]);
    }

    [Fact]
    public async Task An_error_of_the_database_that_a_handler_swallows_is_still_its_records_fault()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 2, script: new Script
        {
            Each = async (value, context, _) =>
            {
                try
                {
                    await context.ExecuteEffectAsync(value);
                }
                catch (PostgresException)
                {
                    // What a careless handler does.
                }
            },
        });
        lane.Claim(0, "a", "forbidden", "b");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 SQLSTATE 25P02 2"]);
    }

    [Fact]
    public async Task Bytes_that_cannot_be_decoded_are_a_dead_letter_at_the_first_attempt()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 5);
        lane.Claim(0, "a", "undecodable", "b");
        (await lane.StepAsync()).ShouldBeTrue();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b"]);
        (await lane.DeadLettersAsync()).ShouldBe([$"0:1 {ErrorCodes.Undecodable} 1"]);
    }

    [Fact]
    public async Task A_message_that_cannot_be_published_is_a_dead_letter_at_the_first_attempt()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 5, script: new Script
        {
            Each = (value, context, _) =>
            {
                context.StageEffect(value);
                context.Publish("out", null, value == "huge" ? new string('x', 200_000) : value);
                return ValueTask.CompletedTask;
            },
        });
        lane.Claim(0, "a", "huge", "b");
        (await lane.StepAsync()).ShouldBeTrue();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b"]);
        (await lane.DeadLettersAsync()).ShouldBe([$"0:1 {ErrorCodes.Unpublishable} 1"]);
    }

    [Fact]
    public async Task A_text_that_the_database_cannot_hold_is_its_records_fault()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 1, script: new Script
        {
            Each = (value, context, _) =>
            {
                context.StageEffect(value switch { "nul" => "\0", "half" => new string('\ud83d', 1), _ => value });
                return ValueTask.CompletedTask;
            },
        });
        lane.Claim(0, "a", "nul", "half", "b");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "3:b"]);
        (await lane.DeadLettersAsync()).Count.ShouldBe(2);
    }

    [Fact]
    public async Task Parts_have_scopes_of_their_own()
    {
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 1);
        lane.Claim(0, "a", "bad", "b");
        await lane.DrainAsync();
        // The whole, then [a] and [bad b], then [bad] and [b] one by one: five attempts, none of which sees another's memory.
        lane.Script.Scopes.Count.ShouldBe(6, "one without savepoints before");
        lane.Script.Scopes.ShouldAllBe(s => s.IsClosed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_scope_that_fails_to_close_is_its_records_fault_and_stops_nobody_else(bool setBased)
    {
        var script = new Script();
        await using var lane = await TestLane.CreateAsync(script, attempts: 2, setBased: setBased);
        script.Each = (value, context, _) =>
        {
            context.StageEffect(value);
            script.Scopes[^1].FailsToClose |= value == "unclosable";
            return ValueTask.CompletedTask;
        };
        script.Many = (records, context, _) =>
        {
            foreach (var (value, source) in records)
                context.Stage(Effect.Insert(source, value));
            script.Scopes[^1].FailsToClose |= records.Any(r => r.Message == "unclosable");
            return ValueTask.CompletedTask;
        };
        lane.Claim(0, "a", "unclosable", "b");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 InvalidOperationException 2"]);
    }
}
