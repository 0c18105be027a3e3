using Npgsql;
using Onceward.Ledger;
using Onceward.TestSupport;

namespace Onceward.Postgres.Lanes;

/// <summary>Handlers that hang, leak, or end what they were lent.</summary>
public sealed class HandlerTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMilliseconds(300);

    public enum Hang
    {
        UntilCancelled,
        InAStatement,
        InAStatementWithoutItsToken,
        AndSwallowCancellation,
    }

    [Theory]
    [InlineData(Hang.UntilCancelled, false)]
    [InlineData(Hang.UntilCancelled, true)]
    [InlineData(Hang.InAStatement, false)]
    [InlineData(Hang.InAStatement, true)]
    [InlineData(Hang.InAStatementWithoutItsToken, false)]
    [InlineData(Hang.AndSwallowCancellation, false)]
    public async Task A_handler_past_its_time_limit_parks_its_record_and_no_other(Hang hang, bool setBased)
    {
        var script = new Script
        {
            Each = async (value, context, cancellationToken) =>
            {
                await context.ExecuteEffectAsync(value);
                if (value == "k:slow")
                    await HangAsync(hang, context.Connection, context.Transaction, cancellationToken);
            },
            Many = async (records, context, cancellationToken) =>
            {
                foreach (var (value, source) in records)
                    context.Stage(Effect.Insert(source, value));
                if (records.Any(r => r.Message == "k:slow"))
                    await HangAsync(hang, context.Connection, context.Transaction, cancellationToken);
            },
        };
        await using var lane = await TestLane.CreateAsync(script, setBased: setBased, retry: r => r.TimeLimit(s_limit).Attempts(2));
        lane.ClaimKeyed(0, "a:1", "k:slow", "k:2", "b:3");
        await lane.DrainBatchesAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a:1", "3:b:3"]);
        (await lane.ParkedAsync()).ShouldBe(["k 0:1", "k 0:2"]);
        // A session that was given up keeps its locks until its statement ends; the redrive passes over its key meanwhile.
        await Eventually.HoldsAsync("the attempts are spent", async () =>
        {
            await lane.DrainAsync();
            return (await lane.ParkedKeysAsync()).Count == 0;
        });
        (await lane.DeadLettersAsync()).ShouldBe([$"0:1 {ErrorCodes.HandlerTimeout} 2"]);
        (await lane.EffectsAsync(0)).ShouldBe(["0:a:1", "3:b:3", "2:k:2"]);
    }

    [Fact]
    public async Task A_handler_that_blocks_its_thread_and_never_listens_loses_its_connection_and_its_record_is_parked()
    {
        using var release = new ManualResetEventSlim();
        var blocked = 0;
        await using var lane = await TestLane.CreateAsync(retry: r => r.TimeLimit(s_limit).Backoff(TimeSpan.FromHours(1), TimeSpan.FromHours(1)), script: new Script
        {
            Each = (value, context, _) =>
            {
                context.StageEffect(value);
                if (value == "k:stuck")
                {
                    Interlocked.Increment(ref blocked);
                    release.Wait(TimeSpan.FromMinutes(1), CancellationToken.None);
                }
                return ValueTask.CompletedTask;
            },
        });
        lane.ClaimKeyed(0, "a:1", "k:stuck", "k:2", "b:3");
        await lane.DrainBatchesAsync();
        release.Set();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a:1", "3:b:3"]);
        (await lane.ParkedAsync()).ShouldBe(["k 0:1", "k 0:2"]);
        blocked.ShouldBe(1, "a suspect is not tried again in the same batch");
        (await lane.Database.ScalarAsync<string>("SELECT reason FROM onceward.parked_key")).ShouldBe(ErrorCodes.HandlerTimeout);
    }

    [Fact]
    public async Task Many_records_that_are_each_in_time_may_take_longer_together()
    {
        await using var lane = await TestLane.CreateAsync(retry: r => r.TimeLimit(TimeSpan.FromSeconds(2)), script: new Script
        {
            Each = async (value, context, cancellationToken) =>
            {
                context.StageEffect(value);
                await using var sleep = new NpgsqlCommand("SELECT pg_sleep(0.25)", context.Connection, context.Transaction);
                await sleep.ExecuteNonQueryAsync(cancellationToken);
            },
        });
        lane.Claim(0, [.. Enumerable.Range(0, 12).Select(i => $"{i}")]);
        await lane.DrainBatchesAsync();
        lane.Script.Calls.Count.ShouldBe(12);
        (await lane.EffectsAsync(0)).Count.ShouldBe(12);
    }

    [Fact]
    public async Task A_handler_that_was_cancelled_by_something_of_its_own_has_failed()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 2, script: new Script
        {
            Each = (value, context, _) =>
            {
                context.StageEffect(value);
                return value == "late" ? throw new TaskCanceledException("The request timed out.") : ValueTask.CompletedTask;
            },
        });
        lane.Claim(0, "a", "late", "b");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b"]);
        (await lane.DeadLettersAsync()).ShouldBe([$"0:1 {ErrorCodes.HandlerCanceled} 2"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_that_leaves_a_reader_open_is_found_and_its_record_parked(bool throws)
    {
        await using var lane = await TestLane.CreateAsync(attempts: 2, script: new Script
        {
            Each = async (value, context, cancellationToken) =>
            {
                context.StageEffect(value);
                if (value != "leaky")
                    return;
                var command = new NpgsqlCommand("SELECT generate_series(1, 100)", context.Connection, context.Transaction);
                var reader = await command.ExecuteReaderAsync(cancellationToken);
                await reader.ReadAsync(cancellationToken);
                if (throws)
                    throw new InvalidOperationException("with its reader open");
            },
        });
        lane.Claim(0, "a", "b", "c", "leaky", "d");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b", "2:c", "4:d"]);
        (await lane.DeadLettersAsync()).ShouldBe([$"0:3 {ErrorCodes.HandlerLeak} 2"]);
    }

    [Fact]
    public async Task A_handler_that_closes_the_connection_is_found_and_its_record_parked()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 2, script: new Script
        {
            Each = async (value, context, _) =>
            {
                context.StageEffect(value);
                if (value == "closes")
                    await context.Connection.CloseAsync();
            },
        });
        lane.Claim(0, "a", "closes", "b");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "2:b"]);
        (await lane.DeadLettersAsync()).ShouldBe([$"0:1 {ErrorCodes.HandlerLeak} 2"]);
    }

    public enum Ending
    {
        Commit,
        CommitAsSql,
        RollBack,
        CommitAndBegin,
        CommitAndBeginAsSql,
    }

    [Theory]
    [InlineData(Ending.Commit, false)]
    [InlineData(Ending.Commit, true)]
    [InlineData(Ending.CommitAsSql, false)]
    [InlineData(Ending.CommitAsSql, true)]
    [InlineData(Ending.RollBack, false)]
    [InlineData(Ending.RollBack, true)]
    [InlineData(Ending.CommitAndBegin, false)]
    [InlineData(Ending.CommitAndBegin, true)]
    [InlineData(Ending.CommitAndBeginAsSql, false)]
    [InlineData(Ending.CommitAndBeginAsSql, true)]
    public async Task A_handler_that_ends_its_transaction_stops_the_partitions_of_its_batch_and_is_not_called_again(Ending end, bool isolated)
    {
        await using var lane = await TestLane.CreateAsync(attempts: 5, script: new Script
        {
            Each = async (value, context, cancellationToken) =>
            {
                await context.ExecuteEffectAsync(value);
                if (value == "forbidden first" && isolated)
                    throw new InvalidOperationException("so that parts are tried");
                if (value == "ends")
                    await EndAsync(end, context, cancellationToken);
            },
        });
        var claim = lane.Claim(0, "a", "forbidden first", "ends", "b");
        var other = lane.Claim(1, "c");
        await lane.DrainBatchesAsync();
        lane.Script.Calls.Count(c => c == "0:2").ShouldBe(1);
        lane.Fenced.ShouldBe([claim, other], ignoreOrder: true);
        (await lane.Database.ColumnAsync<string>("SELECT partition || ' ' || state || ' ' || next_offset FROM onceward.consumer_offset ORDER BY partition"))
            .ShouldBe(["0 stopped 0", "1 stopped 0"]);
        (await lane.Database.ColumnAsync<string>($"SELECT partition || ' ' || from_offset || ' ' || to_offset FROM onceward.incident WHERE kind = '{IncidentStore.TransactionEnded}' ORDER BY partition"))
            .ShouldBe(["0 0 4", "1 0 1"]);
        (await lane.Database.ScalarAsync<string>("SELECT detail ->> 'reason' FROM onceward.incident LIMIT 1")).ShouldContain("A handler ended the transaction");
        (await lane.ParkedKeysAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_redrive_whose_handler_ends_its_transaction_holds_the_key()
    {
        var parks = true;
        await using var lane = await TestLane.CreateAsync(attempts: 5, script: new Script
        {
            Each = async (value, context, cancellationToken) =>
            {
                await context.ExecuteEffectAsync(value);
                if (parks)
                    throw new InvalidOperationException();
                await EndAsync(Ending.Commit, context, cancellationToken);
            },
        });
        lane.ClaimKeyed(0, "k:1");
        await lane.DrainBatchesAsync();
        parks = false;
        await lane.RedriveAsync();
        (await lane.RedriveAsync()).ShouldBeFalse();
        (await lane.ParkedKeysAsync()).ShouldBe(["k held 1"]);
        (await lane.Database.ColumnAsync<string>("SELECT concat_ws(' ', kind, partition, from_offset, detail ->> 'key', detail ->> 'reason') FROM onceward.incident"))
            .ShouldBe(["key_held 0 0 k ONCE-TRANSACTION-ENDED"]);
    }

    [Fact]
    public async Task A_redrive_whose_handler_ends_its_transaction_calls_it_no_more_though_the_ledger_cannot_be_told()
    {
        var (parks, ends) = (true, 0);
        var clock = new WatchedClock();
        await using var lane = await TestLane.CreateAsync(attempts: 5, pauses: clock, script: new Script
        {
            Each = async (value, context, cancellationToken) =>
            {
                await context.ExecuteEffectAsync(value);
                if (parks)
                    throw new InvalidOperationException();
                ends++;
                await EndAsync(Ending.Commit, context, cancellationToken);
            },
        });
        lane.ClaimKeyed(0, "k:1");
        await lane.DrainBatchesAsync();
        parks = false;
        await lane.Database.ExecuteAsync("ALTER TABLE onceward.incident RENAME TO elsewhere");
        var redrive = lane.RedriveAsync();
        await Eventually.HoldsAsync("it could not be told, and is about to be told again", () => clock.Waits > 0);
        await lane.Database.ExecuteAsync("ALTER TABLE onceward.elsewhere RENAME TO incident");
        clock.Advance(TimeSpan.FromSeconds(5));
        await redrive;
        (await lane.RedriveAsync()).ShouldBeFalse();
        ends.ShouldBe(1);
        (await lane.OpenIncidentsAsync()).ShouldBe(["key_held"]);
    }

    [Fact]
    public async Task A_session_that_the_server_ends_while_a_handler_works_is_no_fault_of_the_handler()
    {
        var ended = false;
        await using var lane = await TestLane.CreateAsync(attempts: 1);
        lane.Script.Each = async (value, context, _) =>
        {
            await context.ExecuteEffectAsync(value);
            if (ended)
                return;
            ended = true;
            await lane.TerminateAsync();
        };
        lane.Claim(0, "a", "b");
        await lane.DrainBatchesAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b"]);
        lane.Fenced.ShouldBeEmpty();
        (await lane.DeadLettersAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_transaction_that_fails_again_and_again_by_no_fault_of_a_record_is_noted_until_it_goes_through()
    {
        const int Failing = 12;
        var (calls, noted) = (0, new List<string>());
        await using var lane = await TestLane.CreateAsync(attempts: 1, pauses: new ShortPauses());
        lane.Script.Each = async (value, context, _) =>
        {
            await context.ExecuteEffectAsync(value);
            if (value != "b" || ++calls > Failing)
                return;
            noted = await lane.OpenIncidentsAsync();
            await using var end = new NpgsqlCommand("SELECT pg_terminate_backend(pg_backend_pid())", context.Connection, context.Transaction);
            await end.ExecuteNonQueryAsync(CancellationToken.None);
        };
        lane.Claim(0, "a", "b");
        await lane.DrainBatchesAsync();
        noted.ShouldBe([IncidentStore.PartitionBlocked]);
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b"]);
        (await lane.OpenIncidentsAsync()).ShouldBeEmpty();
        (await lane.DeadLettersAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_database_that_takes_no_writes_is_waited_for_and_parks_nothing()
    {
        await using var lane = await TestLane.CreateAsync(attempts: 1);
        lane.Script.Each = (value, context, _) =>
        {
            context.StageEffect(value);
            return ValueTask.CompletedTask;
        };
        var claim = lane.ClaimKeyed(0, "a:1");
        await lane.DrainBatchesAsync();
        TestLane.AddKeyed(claim, "b:2");
        await lane.SetReadOnlyAsync(true);
        await lane.Connection.DiscardAsync();
        var draining = lane.DrainBatchesAsync();
        await Eventually.HoldsAsync("it was refused", () => lane.Script.Calls.Count >= 4);
        await lane.SetReadOnlyAsync(false);
        await draining;
        (await lane.EffectsAsync(0)).ShouldBe(["0:a:1", "1:b:2"]);
        (await lane.ParkedKeysAsync()).ShouldBeEmpty();
        (await lane.DeadLettersAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_key_whose_redrive_meets_broken_infrastructure_loses_no_attempt_and_lets_others_go_first()
    {
        var state = "failing";
        await using var lane = await TestLane.CreateAsync(attempts: 2, script: new Script
        {
            Each = async (value, context, _) =>
            {
                await context.ExecuteEffectAsync(value);
                if (state == "failing")
                    throw new InvalidOperationException();
                if (value == "k:1" && state == "down")
                    throw new OncewardException("MINE", "The registry is down.", isTransient: true);
            },
        });
        lane.ClaimKeyed(0, "k:1");
        await lane.DrainBatchesAsync();
        lane.ClaimKeyed(1, "l:1");
        await lane.DrainBatchesAsync();
        state = "down";
        await Should.ThrowAsync<OncewardException>(() => lane.RedriveAsync());
        (await lane.RedriveAsync()).ShouldBeTrue();
        (await lane.ParkedKeysAsync()).ShouldBe(["k waiting 1"]);
        state = "up";
        await lane.MakeDueAsync();
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["1:0", "0:0"]);
    }

    private static async Task HangAsync(Hang hang, NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        switch (hang)
        {
            case Hang.UntilCancelled:
                await Task.Delay(Timeout.Infinite, cancellationToken);
                break;
            case Hang.AndSwallowCancellation:
                await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                break;
            default:
                await using (var sleep = new NpgsqlCommand("SELECT pg_sleep(7)", connection, transaction))
                    await sleep.ExecuteNonQueryAsync(hang is Hang.InAStatement ? cancellationToken : CancellationToken.None);
                break;
        }
    }

    private static async Task EndAsync(Ending end, RecordContext context, CancellationToken cancellationToken)
    {
        switch (end)
        {
            case Ending.Commit:
                await context.Transaction.CommitAsync(cancellationToken);
                break;
            case Ending.RollBack:
                await context.Transaction.RollbackAsync(cancellationToken);
                break;
            case Ending.CommitAndBegin:
                var connection = context.Connection;
                await context.Transaction.CommitAsync(cancellationToken);
                await connection.BeginTransactionAsync(cancellationToken);
                break;
            default:
                await using (var sql = new NpgsqlCommand(end is Ending.CommitAsSql ? "COMMIT" : "COMMIT; BEGIN", context.Connection, context.Transaction))
                    await sql.ExecuteNonQueryAsync(cancellationToken);
                break;
        }
    }
}
