using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Onceward.TestSupport;
using Shouldly;
using Xunit;

namespace Onceward.Kafka;

/// <summary>What the client does by itself that would pass over records or stand still without a word. Each of these fails where its guard is taken out.</summary>
public sealed class TrapTests
{
    [Theory]
    [InlineData("claimed")] // in the handler of an assignment: the member would be left with nothing
    [InlineData("gave up")] // in that of a revocation: the record that was to be delivered would be destroyed
    public async Task A_callback_in_which_something_fails_neither_stalls_the_member_nor_loses_a_record(string message)
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(2, 2000));
        using var log = new FailingLog(message);
        await using var worker = await scene.StartAsync(w => scene.Sums(w).Services.AddSingleton<ILoggerProvider>(log)
            .AddLogging(l => l.AddFilter<FailingLog>(null, LogLevel.Information)));
        await scene.AppliedAsync(1);
        await using var second = await scene.StartAsync();
        await Eventually.HoldsAsync("it has failed", () => log.HasFailed);
        scene.Input.Produce(Effects.Records(2, 4000).Skip(2000));
        await scene.AppliedAsync(4000);
        await Effects.ShouldBeExactAsync(scene.Database, 4000);
        await Eventually.HoldsAsync("it was a callback that contained it", () => worker.HasLogged("a rebalance callback failed; a new consumer begins"));
    }

    [Fact]
    public async Task Retention_that_passes_a_worker_while_it_runs_stops_the_partition_with_an_incident_and_nothing_is_skipped()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(2, 20));
        await using var worker = await scene.StartAsync();
        await scene.AppliedAsync(20);
        using var open = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = TestServers.Kafka, TransactionalId = scene.Application }).Build();
        open.InitTransactions(TimeSpan.FromSeconds(30));
        open.BeginTransaction();
        // Behind an open transaction nothing can have been prefetched.
        foreach (var (partition, key, value) in Effects.Records(2, 100).Skip(20).Where(r => r.Partition == 0))
            open.Produce(new TopicPartition(scene.Input.Name, partition), new Message<string, byte[]> { Key = key, Value = value });
        open.Flush(TimeSpan.FromSeconds(30));
        await ClaimTests.DeleteBelowAsync(scene, partition: 0, 30);
        await scene.IncidentAsync("records_lost");
        open.CommitTransaction(TimeSpan.FromSeconds(30));
        (await scene.Database.ScalarAsync<string>("SELECT from_offset || '-' || to_offset FROM onceward.incident")).ShouldBe("10-30");
        (await scene.StoppedAsync()).ShouldBe([0]);
        scene.Input.Produce(Effects.Records(2, 100).Skip(20).Where(r => r.Partition == 1));
        await scene.AppliedAsync(60);
        (await scene.Database.ScalarAsync<long>("SELECT count(*) FROM effect WHERE partition = 0")).ShouldBe(10);
        (await scene.Database.ScalarAsync<long>("SELECT next_offset FROM onceward.consumer_offset WHERE partition = 0")).ShouldBe(10);
    }

    [Fact]
    public async Task A_pause_that_the_client_remembers_over_a_rebalance_does_not_keep_a_partition_silent_when_it_comes_back()
    {
        await using var scene = await Scene.CreateAsync(partitions: 2);
        scene.Input.Produce(Effects.Records(2, 20));
        await using (await scene.StartAsync())
            await scene.AppliedAsync(20);
        TestWorker staying, passing;
        await using (await ClaimTests.HoldAsync(scene, "true"))
        {
            // What has no claim is paused, and one of the two goes to the other member so.
            staying = await StartAsync();
            await Eventually.HoldsAsync("both wait", () => staying.HasLogged("claimed 0 partitions"));
            passing = await StartAsync();
            await Eventually.HoldsAsync("one has moved", () => staying.HasLogged("gave up 1 partitions") && passing.HasLogged("claimed 0 partitions"));
        }
        await using var _ = staying;
        await using (passing)
        {
            scene.Input.Produce(Effects.Records(2, 40).Skip(20));
            await scene.AppliedAsync(40);
        }
        scene.Input.Produce(Effects.Records(2, 60).Skip(40));
        await scene.AppliedAsync(60);
        await Effects.ShouldBeExactAsync(scene.Database, 60);
        staying.HasLogged("a new consumer begins").ShouldBeFalse("it is the client that paused");

        Task<TestWorker> StartAsync() => scene.StartAsync(w => scene.Sums(w).Configure(o => o.FrozenOwnerGrace = TimeSpan.FromMinutes(5)));
    }

    /// <summary>A logger of the application's that fails once, at a message.</summary>
    private sealed class FailingLog(string message) : ILoggerProvider, ILogger
    {
        private int _failures;

        public bool HasFailed => Volatile.Read(ref _failures) > 0;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).Contains(message, StringComparison.Ordinal) && Interlocked.Increment(ref _failures) == 1)
                throw new InvalidOperationException("a logger that fails");
        }

        public void Dispose()
        {
            // Nothing is held.
        }
    }
}
