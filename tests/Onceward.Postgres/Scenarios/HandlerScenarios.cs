using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Onceward.Diagnostics;
using Onceward.EntityFrameworkCore;
using Onceward.Handling;
using Onceward.TestSupport;

namespace Onceward.Postgres.Scenarios;

/// <summary>What holds for handlers of every kind: one suite, run for each.</summary>
public abstract class HandlerScenarios
{
    private readonly Trouble _trouble = new();

    internal Trouble Trouble => _trouble;

    [Fact]
    public async Task Effects_messages_and_offsets_are_committed_together_and_in_order()
    {
        await using var lane = await CreateAsync();
        var (first, second) = (lane.ClaimKeyed(0, "z:0"), lane.ClaimKeyed(1, "z:0"));
        await lane.DrainAsync();
        // The first batch of a claim sets a savepoint, and what is written inside one has a number of its own; the second tells.
        TestLane.AddKeyed(first, "a:1", "b:2", "a:3");
        TestLane.AddKeyed(second, "c:1");
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:0", "1:0", "0:1", "0:2", "0:3", "1:1"]);
        (await lane.Database.ScalarAsync<long>("""
            SELECT count(DISTINCT xmin::text) FROM (
                SELECT xmin FROM effect WHERE "offset" > 0 UNION ALL SELECT xmin FROM onceward.consumer_offset UNION ALL SELECT xmin FROM onceward.outbox WHERE seq > 0) x
            """)).ShouldBe(1);
    }

    [Fact]
    public async Task A_key_that_fails_waits_with_its_later_records_and_is_applied_in_order_when_it_can_be()
    {
        await using var lane = await CreateAsync(attempts: 9);
        lane.ClaimKeyed(0, "a:1", "k:bad", "k:2", "b:3", "k:4");
        await lane.DrainBatchesAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:0", "0:3"]);
        _trouble.IsRepaired = true;
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:0", "0:3", "0:1", "0:2", "0:4"]);
        (await lane.Database.ColumnAsync<long>("SELECT seq FROM onceward.outbox ORDER BY seq")).ShouldBe([0, 1, 2, 3, 4]);
    }

    [Fact]
    public async Task A_row_that_the_database_refuses_is_its_records_fault_and_no_others()
    {
        await using var lane = await CreateAsync(attempts: 2);
        lane.ClaimKeyed(0, "a:1", "forbidden", "b:2");
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:0", "0:2"]);
        (await lane.DeadLettersAsync()).ShouldBe(["0:1 SQLSTATE 23514 2"]);
    }

    [Theory]
    [InlineData(Cut.BeforeCommit)]
    [InlineData(Cut.AfterCommit)]
    public async Task A_COMMIT_without_an_answer_applies_everything_once(Cut cut)
    {
        TcpProxy? proxy = null;
        await using var lane = await CreateAsync(proxy: database => proxy = new TcpProxy(database.ConnectionString));
        await using var _ = proxy!;
        lane.ClaimKeyed(0, "a:1", "b:2");
        proxy!.CutNext(cut);
        await lane.DrainAsync();
        proxy.Cuts.ShouldBe(1);
        (await lane.PlacesAsync()).ShouldBe(["0:0", "0:1"]);
        (await lane.Database.ColumnAsync<long>("SELECT seq FROM onceward.outbox ORDER BY seq")).ShouldBe([0, 1]);
    }

    [Fact]
    public async Task A_session_that_is_ended_before_COMMIT_is_redone_once()
    {
        await using var lane = await CreateAsync();
        lane.ClaimKeyed(0, "a:1", "b:2");
        var ended = false;
        lane.Waypoints.Reached = async point =>
        {
            if (point is not Waypoint.Swapped || ended)
                return;
            ended = true;
            await lane.TerminateAsync();
        };
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:0", "0:1"]);
    }

    [Fact]
    public async Task A_fenced_partition_leaves_nothing_and_the_others_are_applied_once()
    {
        await using var lane = await CreateAsync();
        var stolen = lane.ClaimKeyed(0, "a:1", "k:bad");
        lane.ClaimKeyed(1, "b:1");
        lane.Waypoints.Reached = point =>
        {
            if (point is Waypoint.EffectsApplied && lane.Fenced.Count == 0)
                lane.Steal(0);
            return ValueTask.CompletedTask;
        };
        await lane.DrainBatchesAsync();
        lane.Fenced.ShouldBe([stolen]);
        (await lane.PlacesAsync()).ShouldBe(["1:0"]);
        (await lane.ParkedAsync()).ShouldBeEmpty();
    }

    internal abstract Task<TestLane> CreateAsync(int attempts = 3, Func<TestDatabase, TcpProxy>? proxy = null);

    internal Script Staged => new()
    {
        Each = (value, context, _) =>
        {
            context.StageEffect(value);
            context.Publish("out", null, value);
            return _trouble.Fails(value) ? throw new InvalidOperationException(value) : ValueTask.CompletedTask;
        },
        Many = (records, context, _) =>
        {
            foreach (var record in records)
            {
                context.Stage(Effect.Insert(record.Source, record.Message));
                context.Publish(record, "out", null, record.Message);
                if (_trouble.Fails(record.Message))
                    throw new InvalidOperationException(record.Message);
            }
            return ValueTask.CompletedTask;
        },
    };
}

/// <summary>Record by record.</summary>
public sealed class RecordHandlerScenarios : HandlerScenarios
{
    internal override Task<TestLane> CreateAsync(int attempts = 3, Func<TestDatabase, TcpProxy>? proxy = null) =>
        TestLane.CreateAsync(Staged, proxy, attempts: attempts);
}

/// <summary>Set by set.</summary>
public sealed class BatchHandlerScenarios : HandlerScenarios
{
    internal override Task<TestLane> CreateAsync(int attempts = 3, Func<TestDatabase, TcpProxy>? proxy = null) =>
        TestLane.CreateAsync(Staged, proxy, attempts: attempts, setBased: true);
}

/// <summary>With Entity Framework Core.</summary>
public sealed class EntityHandlerScenarios : HandlerScenarios
{
    [Fact]
    public async Task Every_attempt_has_a_context_of_its_own_and_saves_many_records_at_once()
    {
        await using var lane = await CreateAsync(attempts: 1);
        lane.ClaimKeyed(0, "a:1", "b:2", "c:3");
        await lane.DrainAsync();
        Trouble.Contexts.Count.ShouldBe(1);
        lane.ClaimKeyed(1, "a:1", "bad", "b:2", "c:3");
        await lane.DrainAsync();
        // The whole, [a bad], [a], [bad], [b c].
        Trouble.Contexts.Count.ShouldBeGreaterThan(4);
        (await lane.EffectsAsync(1)).ShouldBe(["0:a:1", "2:b:2", "3:c:3"]);
    }

    [Fact]
    public async Task A_context_that_retries_by_itself_is_refused_and_no_record_is_blamed_for_it()
    {
        await using var lane = await CreateAsync(options => options.UseNpgsql(o => o.EnableRetryOnFailure()), attempts: 1);
        lane.ClaimKeyed(0, "a:1");
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await Should.ThrowAsync<OperationCanceledException>(() => lane.StepAsync(soon.Token));
        (await lane.DeadLettersAsync()).ShouldBeEmpty();
        (await lane.ParkedKeysAsync()).ShouldBeEmpty();
        (await lane.NextOffsetAsync(0)).ShouldBe(0);
    }

    internal override Task<TestLane> CreateAsync(int attempts = 3, Func<TestDatabase, TcpProxy>? proxy = null) =>
        CreateAsync(options => options.UseNpgsql(), attempts, proxy);

    private Task<TestLane> CreateAsync(Action<DbContextOptionsBuilder> options, int attempts, Func<TestDatabase, TcpProxy>? proxy = null) => TestLane.CreateAsync(
        proxy: proxy, attempts: attempts,
        configure: services => services.AddSingleton(Trouble).AddDbContext<EffectsContext>(options).AddScoped<EntityHandler>()
            .AddScoped<EntityAdapter<string, EffectsContext, EntityHandler>>(),
        subscribe: (settings, decoder) => new BatchSubscription<string, EntityAdapter<string, EffectsContext, EntityHandler>>(settings, decoder, null));
}
