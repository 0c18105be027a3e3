using Onceward.Broker.Log;
using Onceward.Broker.Storage;
using Onceward.Broker.Tests.Log;

namespace Onceward.Broker.Tests;

/// <summary>10,000 partitions: an idle one costs no timer and no file handle, and those that are used share a bounded number of handles.</summary>
public sealed class ManyPartitionsTests : IDisposable
{
    private const int Topics = 10;
    private const int PartitionsOfATopic = 1_000;

    private readonly TemporaryDirectory directory = new(inMemory: true);

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData(FlushPolicy.None)]
    [InlineData(FlushPolicy.Interval)]
    public async Task An_idle_partition_has_no_timer_and_no_folder(FlushPolicy flush)
    {
        var clock = new CountingClock();
        var options = new BrokerOptions { TimeProvider = clock, DataDirectory = directory.Path, Flush = flush };
        await using var broker = await EmbeddedBroker.StartAsync(options, cancellationToken: TestContext.Current.CancellationToken);
        broker.CreateTopic("one");
        var (timers, entries) = (clock.Timers, Directory.GetFileSystemEntries(directory.Path).Length);
        for (var topic = 0; topic < Topics; topic++)
            broker.CreateTopic($"many-{topic}", PartitionsOfATopic);
        clock.Timers.ShouldBe(timers);
        Directory.GetFileSystemEntries(directory.Path).Length.ShouldBe(entries);
        await broker.RestartAsync(TestContext.Current.CancellationToken);
        clock.Timers.ShouldBe(2 * timers, "a start makes the same few again, whatever it finds");
    }

    [Fact]
    public async Task Partitions_that_are_used_share_a_bounded_number_of_open_files()
    {
        await using var test = TestLog.OnDisk(directory.Path);
        var logs = Enumerable.Range(1, FilePool.DefaultLimit + 200).Select(partition => test.Manager.Open(TestLog.Topic, partition, TestLog.TopicId, () => test.Settings)).ToList();
        test.Manager.OpenFiles.ShouldBe(0);
        foreach (var log in logs)
            (await log.AppendAsync(test.Batch(), TestContext.Current.CancellationToken)).BaseOffset.ShouldBe(0);
        test.Manager.OpenFiles.ShouldBe(FilePool.DefaultLimit);
        foreach (var log in logs)
            RecordReader.Batches(log).ShouldHaveSingleItem();
        test.Manager.OpenFiles.ShouldBe(FilePool.DefaultLimit);
    }

    private sealed class CountingClock : TimeProvider
    {
        private int timers;

        public int Timers => timers;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Interlocked.Increment(ref timers);
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
