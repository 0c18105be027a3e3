using System.Collections.Concurrent;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

public sealed class ParkingTests
{
    [Fact]
    public async Task Keys_that_fail_for_a_while_lose_nothing_double_nothing_and_keep_their_order_under_load_and_take_overs()
    {
        await using var scene = await Scene.CreateAsync();
        FlakyDepositHandler.Failures.Clear();
        scene.Input.Produce(Effects.Records(4, 3000));
        await using var second = await scene.StartAsync(Flaky(scene));
        await using (await scene.StartAsync(Flaky(scene)))
            await scene.AppliedAsync(500);
        scene.Input.Produce(Effects.Records(4, 6000).Skip(3000));
        await scene.AppliedAsync(6000);
        await Eventually.HoldsAsync("nothing is parked", async () => await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.parked_key") == 0);
        FlakyDepositHandler.Failures.Count.ShouldBeGreaterThan(50, "it must have bitten");
        // Not the order of partitions: other keys overtake one that is parked.
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect")).ShouldBe(6000);
        (await scene.Database.ScalarAsync<long>("""SELECT count(*) FROM (SELECT DISTINCT partition, "offset" FROM effect) d""")).ShouldBe(6000);
        (await scene.Database.ScalarAsync<long>("""
            SELECT count(*) FROM (SELECT sequence - lag(sequence) OVER (PARTITION BY account ORDER BY id) AS step FROM effect) s WHERE step <> 1
            """)).ShouldBe(0, "order of keys");
        (await scene.Database.ScalarAsync<decimal>("SELECT sum(amount) FROM balance")).ShouldBe(Enumerable.Range(0, 6000).Sum(i => 1L + (i % 7)));
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.dead_letter")).ShouldBe(0);
        await scene.PublishedAsync(6000);
    }

    [Fact]
    public async Task A_record_that_never_succeeds_arrives_on_the_dead_letter_topic_and_its_key_goes_on()
    {
        await using var scene = await Scene.CreateAsync(partitions: 1);
        var letters = await TestTopic.CreateAsync("in", suffix: ".dlq");
        await using var worker = await scene.StartAsync(w => w.From(scene.Input.Name).Handle<Deposit, StubbornDepositHandler>()
            .Retry(r => r.Attempts(3).Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(200))).DeadLetterTo(letters.Name));
        scene.Input.Produce(Effects.Records(1, 100));
        await scene.AppliedAsync(99);
        await Eventually.HoldsAsync("the dead letter", () => letters.ReadCommitted().Count == 1);
        var letter = letters.ReadCommitted().Single().Message;
        letter.Headers.Text("onceward-dlq-attempts").ShouldBe("3");
        letter.Headers.Text("onceward-dlq-reason").ShouldBe(nameof(InvalidOperationException));
        letter.Key.ShouldBe("0-3");
        (await scene.Database.ColumnAsync<int>("SELECT sequence FROM effect WHERE account = '0-3' ORDER BY id")).ShouldBe([0, 1, 3, 4, 5, 6, 7, 8, 9]);
        await scene.PublishedAsync(99);
    }

    private static Action<Hosting.WorkerBuilder> Flaky(Scene scene) => w => w.From(scene.Input.Name).Handle<Deposit, FlakyDepositHandler>()
        .Retry(r => r.Attempts(50).Backoff(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(200)))
        .Configure(o => o.Lanes.MaxRecords = 100);

    /// <summary>Writes the effect, and fails the first few times on every thirtieth record.</summary>
    private sealed class FlakyDepositHandler : IHandler<Deposit>
    {
        public static ConcurrentDictionary<string, int> Failures { get; } = new();

        private readonly DepositHandler _inner = new();

        public async ValueTask HandleAsync(Deposit message, RecordContext context, CancellationToken cancellationToken)
        {
            await _inner.HandleAsync(message, context, cancellationToken);
            if (context.Record.Offset.Value % 30 == 7 && Failures.AddOrUpdate($"{message.Account}:{message.Sequence}", 1, (_, n) => n + 1) < 4)
                throw new InvalidOperationException("not yet");
        }
    }

    /// <summary>Refuses one record for good.</summary>
    private sealed class StubbornDepositHandler : IHandler<Deposit>
    {
        private readonly DepositHandler _inner = new();

        public ValueTask HandleAsync(Deposit message, RecordContext context, CancellationToken cancellationToken) =>
            message is { Account: "0-3", Sequence: 2 } ? throw new InvalidOperationException("never") : _inner.HandleAsync(message, context, cancellationToken);
    }
}
