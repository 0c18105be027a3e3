using Onceward.Broker.Protocol;
using Onceward.Broker.Storage;

namespace Onceward.Broker.Tests.Log;

/// <summary>What retention takes, and what it must leave.</summary>
public sealed class RetentionTests : IDisposable
{
    private const long DayMs = 24 * 3600 * 1000;

    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_segment_whose_time_is_over_makes_the_log_smaller_and_the_young_ones_stay()
    {
        await using var test = TestLog.InMemory();
        test.Configure(("segment.bytes", "3000"), ("retention.ms", $"{DayMs}"), ("retention.bytes", "2000"));
        await test.Write(valueSize: 2500, at: test.Now - (2 * DayMs));
        var young = await test.Write(valueSize: 1000);
        test.Log.Housekeep();
        (test.Log.StartOffset, test.Log.HighWatermark).ShouldBe((young, young + 1));
    }

    [Fact]
    public async Task What_is_too_much_goes_and_what_fits_stays()
    {
        await using var test = TestLog.InMemory();
        test.Configure(("segment.bytes", "3000"), ("retention.bytes", "6000"));
        for (var i = 0; i < 4; i++)
            await test.Write(valueSize: 2500);
        test.Log.Housekeep();
        test.Log.StartOffset.ShouldBe(1, "three segments of 2,6 kB are the least that is not below the bound");
    }

    [Fact]
    public async Task A_log_that_cannot_be_rolled_keeps_no_other_from_making_room()
    {
        await using var test = TestLog.OnDisk(directory.Path);
        test.Configure(("retention.ms", $"{DayMs}"));
        var logs = Enumerable.Range(1, 8).Select(partition => test.Manager.Open(TestLog.Topic, partition, TestLog.TopicId, () => test.Settings)).ToArray();
        foreach (var log in logs)
            (await log.AppendAsync(test.Batch(), TestContext.Current.CancellationToken)).Error.ShouldBe(ErrorCode.None);
        Block(4, PartitionFolder.IndexSuffix, 0);
        test.Clock.Advance(TimeSpan.FromDays(2));
        logs.Select(log => log.StartOffset).ShouldBe([1, 1, 1, 0, 1, 1, 1, 1]);
    }

    [Fact]
    public async Task Where_there_is_no_room_to_roll_the_segments_before_go_all_the_same()
    {
        await using var test = TestLog.OnDisk(directory.Path);
        test.Configure(("segment.bytes", "3000"), ("retention.ms", $"{DayMs}"));
        for (var i = 0; i < 3; i++)
            await test.Write(valueSize: 2500);
        Block(0, PartitionFolder.IndexSuffix, 2);
        test.Clock.Advance(TimeSpan.FromDays(2)); // The timer of the logs fires meanwhile.
        (test.Log.StartOffset, test.Log.HighWatermark).ShouldBe((2, 3));
        test.Read(2).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Where_there_is_no_room_to_note_a_flush_the_log_goes_on()
    {
        await using var test = TestLog.OnDisk(directory.Path);
        test.Configure(("segment.bytes", "3000"));
        await test.Write(valueSize: 2500);
        Directory.CreateDirectory(Path.Combine(Folder(0), LogCheckpoint.FileName + SmallFile.TemporarySuffix));
        await test.Write(valueSize: 2500);
        await test.Log.FlushAsync(TestContext.Current.CancellationToken);
        (await test.Write()).ShouldBe(2);
        test.Read(0).Count.ShouldBe(1, "the first segment");
    }

    [Fact]
    public void What_a_reader_of_committed_records_sees_never_passes_what_is_on_disk()
    {
        var log = new LogContents();
        log.Publish(100, 100);
        log.Publish(50, 200); // The start moves while a flush of what lies behind 100 is under way.
        (log.VisibleEnd, log.VisibleStable).ShouldBe((100, 100));
        log.Publish(200, 200);
        log.VisibleStable.ShouldBe(200);
    }

    private string Folder(int partition) => Directory.GetDirectories(directory.Path, $"{TestLog.Topic}-{partition}").ShouldHaveSingleItem();

    /// <summary>A folder stands where a file would be written first.</summary>
    private void Block(int partition, string suffix, long baseOffset)
    {
        var name = Directory.GetFiles(Folder(partition), "*" + PartitionFolder.LogSuffix)
            .Select(Path.GetFileNameWithoutExtension).Single(name => long.Parse(name!, System.Globalization.CultureInfo.InvariantCulture) == baseOffset);
        Directory.CreateDirectory(Path.Combine(Folder(partition), name + suffix + SmallFile.TemporarySuffix));
    }
}
