using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Onceward.Diagnostics;
using Onceward.Hosting;
using Onceward.Ledger;
using Onceward.Outbox;
using Onceward.TestSupport;

namespace Onceward.Postgres.Poolers;

/// <summary>Through a real PgBouncer, which gives each transaction whichever of its three sessions is free.</summary>
public sealed class TransactionPoolTests
{
    private const int Sessions = 3;
    private const string Limits =
        "current_setting('statement_timeout') || ' ' || current_setting('lock_timeout') || ' ' || current_setting('idle_in_transaction_session_timeout')";

    [Fact]
    public async Task More_lanes_than_sessions_apply_park_and_redrive_every_record_once()
    {
        const int Lanes = 2 * Sessions, Batches = 8;
        await using var first = await TestLane.CreateAsync(Mixed(0), pooler: TestServers.PgBouncer, dedupeBy: value => value);
        var others = Enumerable.Range(1, Lanes - 1).Select(n => first.Second(Mixed(n), TestServers.PgBouncer)).ToArray();
        try
        {
            await Task.WhenAll(others.Prepend(first).Select((lane, partition) => Task.Run(() => WorkAsync(lane, partition))));
            for (var partition = 0; partition < Lanes; partition++)
                (await first.NextOffsetAsync(partition)).ShouldBe(Batches * 3);
            (await first.PlacesAsync()).Order(StringComparer.Ordinal).ShouldBe(
                Enumerable.Range(0, Lanes).SelectMany(p => Enumerable.Range(0, Batches * 3).Select(o => $"{p}:{o}")).Order(StringComparer.Ordinal));
            (await first.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.outbox")).ShouldBe(Lanes * Batches * 3);
            (await first.ParkedAsync()).ShouldBeEmpty();
            (await first.DeadLettersAsync()).ShouldBeEmpty();
            (await first.Database.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'through-pooler'"))
                .ShouldBeInRange(1, Sessions);
        }
        finally
        {
            foreach (var lane in others)
                await lane.DisposeAsync();
        }

        static async Task WorkAsync(TestLane lane, int partition)
        {
            var claim = lane.ClaimKeyed(partition);
            for (var batch = 0; batch < Batches; batch++)
            {
                TestLane.AddKeyed(claim, $"a{partition}:{batch}", $"b{partition}:{batch}", batch == 1 ? $"c{partition}:bad" : $"c{partition}:{batch}");
                await lane.DrainAsync();
            }
        }
    }

    [Fact]
    public async Task An_owner_that_freezes_in_its_transaction_is_ended_and_fenced_and_its_successor_applies_every_record_once()
    {
        var (frozen, thawed) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var lane = await TestLane.CreateAsync(pooler: TestServers.PgBouncer);
        var claim = lane.Claim(0, "a", "b");
        lane.Waypoints.Reached = async point =>
        {
            if (point is Waypoint.Swapped && frozen.TrySetResult())
                await thawed.Task;
        };
        var owner = Task.Run(() => lane.StepAsync());
        await frozen.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await using var successor = lane.Second(new Script(), TestServers.PgBouncer);
        var answer = await new ClaimStore(successor.Source, "successor").ClaimAsync([claim.Key], default);
        (answer.Claimed.Count, answer.Held.Count).ShouldBe((0, 1));
        (await new FrozenOwner(successor.Source, new IncidentStore(successor.Source)).EndAsync(claim.Key, default)).Count.ShouldBe(1);
        await Eventually.HoldsAsync("the row is free", async () =>
            await lane.Database.ScalarAsync<long>("SELECT count(*) FROM (SELECT FROM onceward.consumer_offset FOR UPDATE SKIP LOCKED) AS free") == 1);
        successor.Claim(0, "a", "b");
        await successor.DrainAsync();
        thawed.SetResult();
        await owner.WaitAsync(TimeSpan.FromSeconds(60));
        lane.Fenced.ShouldBe([claim]);
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(2);
        (await lane.Database.ColumnAsync<string>("SELECT kind FROM onceward.incident")).ShouldBe(["frozen_owner_ended"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Time_limits_hold_in_the_transaction_and_for_nobody_after_it(bool staged)
    {
        await using var lane = await TestLane.CreateAsync(pooler: TestServers.PgBouncer, sql: "CREATE TABLE seen (limits text);", lanes: options =>
            (options.StatementTimeout, options.LockTimeout, options.IdleInTransactionTimeout) = (TimeSpan.FromSeconds(27), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(31)),
            script: new Script
            {
                Each = async (_, context, token) =>
                {
                    const string Look = $"INSERT INTO seen VALUES ({Limits})";
                    if (staged)
                        context.Stage(new NpgsqlBatchCommand(Look));
                    else
                        await using (var look = new NpgsqlCommand(Look, context.Connection, context.Transaction))
                            await look.ExecuteNonQueryAsync(token);
                },
            });
        var claim = lane.ClaimKeyed(0, "a");
        await lane.DrainAsync();
        // The first batch of a claim looks for parked keys, and so begins with a statement of ours; the second with the handler's, or what it staged.
        claim.MayHaveParkedKeys.ShouldBeFalse();
        TestLane.AddKeyed(claim, "b");
        await lane.DrainAsync();
        (await lane.Database.ColumnAsync<string>("SELECT limits FROM seen")).ShouldBe(["27s 3s 31s", "27s 3s 31s"]);
        (await lane.Connection.BeginAsync(default)).Transaction.ShouldNotBeNull().Dispose();
        lane.Connection.HasSession.ShouldBeFalse();
        // Transactions of another client in all the sessions at once.
        var strangers = new List<NpgsqlConnection>();
        try
        {
            for (var i = 0; i < Sessions; i++)
            {
                var stranger = await lane.Source.OpenConnectionAsync();
                strangers.Add(stranger);
                await stranger.BeginTransactionAsync();
                await using var look = new NpgsqlCommand($"SELECT {Limits}", stranger);
                (await look.ExecuteScalarAsync()).ShouldBe("0 0 0");
            }
        }
        finally
        {
            foreach (var stranger in strangers)
                await stranger.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_transaction_that_is_silent_for_too_long_is_ended_by_the_server_and_its_records_are_applied_once()
    {
        var silences = 0;
        await using var lane = await TestLane.CreateAsync(pooler: TestServers.PgBouncer, lanes: options => options.IdleInTransactionTimeout = TimeSpan.FromSeconds(2));
        lane.Claim(0, "a", "b");
        lane.Waypoints.Reached = async point =>
        {
            if (point is Waypoint.Swapped && silences++ == 0)
                await Eventually.HoldsAsync("the session is gone", async () => await lane.Database.ScalarAsync<long>(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'") == 0);
        };
        await lane.DrainAsync();
        silences.ShouldBe(2);
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b"]);
        lane.Fenced.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_relay_whose_locks_would_go_through_the_pooler_is_refused_with_the_way_out()
    {
        await using var lane = await TestLane.CreateAsync(pooler: TestServers.PgBouncer);
        var options = Options.Create(new OncewardOptions());
        using var schema = new LedgerSchema(lane.Source, options, NullLogger<LedgerSchema>.Instance);
        using var cluster = new Cluster(options);
        using var relay = new RelayService(
            options, lane.Source, schema, cluster, new OutboxSignal(), new Waypoints(), TimeProvider.System, NullLoggerFactory.Instance);
        await relay.StartAsync(default);
        var refusal = await Should.ThrowAsync<OncewardException>(relay.ExecuteTask.ShouldNotBeNull().WaitAsync(TimeSpan.FromSeconds(60)));
        (refusal.ErrorCode, refusal.IsTransient).ShouldBe((ErrorCodes.Configuration, false));
        refusal.Message.ShouldContain("Relay.LockConnection");
    }

    /// <summary>
    /// Lanes execute and stage by turns, so that each would prepare other statements under the same names; all publish, and what is bad fails once.
    /// </summary>
    private static Script Mixed(int lane)
    {
        var failed = false;
        return new Script
        {
            Each = async (value, context, _) =>
            {
                if (lane % 2 == 0)
                    await context.ExecuteEffectAsync(value);
                else
                    context.StageEffect(value);
                context.Publish("out", null, value);
                if (!value.EndsWith("bad", StringComparison.Ordinal) || failed)
                    return;
                failed = true;
                throw new InvalidOperationException(value);
            },
        };
    }
}
