using Onceward.Broker.Handlers;
using Onceward.Broker.Log;
using Onceward.Broker.Protocol;
using Onceward.Broker.Storage;

namespace Onceward.Broker.Tests.Log;

/// <summary>What is there after the broker stopped in order, and after it died.</summary>
public sealed class RestartTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly TemporaryDirectory image = new();

    public void Dispose()
    {
        directory.Dispose();
        image.Dispose();
    }

    [Theory]
    [InlineData(true, FlushPolicy.None)]
    [InlineData(false, FlushPolicy.None)]
    [InlineData(false, FlushPolicy.Interval)]
    [InlineData(true, FlushPolicy.EveryRequest)]
    [InlineData(false, FlushPolicy.EveryRequest)]
    public async Task Everything_is_as_it_was_after_a_restart(bool inOrder, FlushPolicy flush)
    {
        await using var before = TestLog.OnDisk(directory.Path, options => options.Flush = flush);
        before.Configure(("segment.bytes", "3000"), ("index.interval.bytes", "200"));
        await FillAsync(before);
        var aborted = before.Log.Read(0, int.MaxValue, true, true).Aborted;
        var all = RecordReader.Batches(before.Log).Select(batch => Convert.ToHexString(batch.Bytes.Span)).ToList();
        var (end, stable) = (before.Log.HighWatermark, before.Log.LastStableOffset);
        stable.ShouldBeLessThan(end, "a transaction is open");

        await using var after = await RestartAsync(before, inOrder);
        after.Log.HighWatermark.ShouldBe(end);
        RecordReader.Batches(after.Log).Select(batch => Convert.ToHexString(batch.Bytes.Span)).ShouldBe(all);
        after.Log.LastStableOffset.ShouldBe(stable);
        after.Log.Read(0, int.MaxValue, true, true).Aborted.ShouldBe(aborted);
        after.Log.LeaderEpoch.ShouldBe(1);
        (await after.Write(2, producer: 7, sequence: 0)).ShouldBe(0, "all five batches of the producer are still known");
        (await after.Refused(after.Batch(producer: 7, sequence: 99))).ShouldBe(ErrorCode.OutOfOrderSequenceNumber);
        (await after.End(8, commit: false)).ShouldBe(after.Log.HighWatermark - 1);
        after.Log.LastStableOffset.ShouldBe(after.Log.HighWatermark);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_time_is_found_in_a_segment_of_an_earlier_run_that_nobody_has_read_yet(bool inOrder, bool largest)
    {
        await using var before = TestLog.OnDisk(directory.Path);
        before.Configure(("segment.bytes", "3000"));
        for (var i = 0; i < 4; i++)
            await before.Write(valueSize: 2500, at: before.Now + (i == 1 ? 10_000 : i));
        var at = before.Now + 10_000;
        await before.Log.FlushAsync(TestContext.Current.CancellationToken);
        await using var after = await RestartAsync(before, inOrder);
        var found = largest ? after.Log.FindMaxTimestamp() : after.Log.FindTimestamp(at - 1);
        (found!.Value.Offset, found.Value.Timestamp).ShouldBe((1, at));
    }

    [Fact]
    public async Task A_log_that_is_closed_says_so_and_is_not_taken_for_an_empty_one()
    {
        await using var test = TestLog.OnDisk(directory.Path);
        await test.Write(3);
        test.Log.Check().ShouldBe(ErrorCode.None);
        await test.Log.DisposeAsync();
        test.Log.Check().ShouldBe(ErrorCode.KafkaStorageError);
        test.Log.Enlist(7, 0).ShouldBe(ErrorCode.KafkaStorageError);
    }

    [Fact]
    public async Task Each_start_has_a_higher_epoch_and_the_log_remembers_where_it_began()
    {
        await using (var first = TestLog.OnDisk(directory.Path))
            await first.Write(3);
        await using (var second = TestLog.OnDisk(directory.Path))
        {
            second.Log.EndOfEpoch(0).ShouldBe((0, 3));
            second.Log.EndOfEpoch(1).ShouldBe((1, 3));
            second.Log.EndOfEpoch(2).ShouldBe((-1, -1));
        }
        await using var third = TestLog.OnDisk(directory.Path);
        third.Log.LeaderEpoch.ShouldBe(2);
        third.Log.EndOfEpoch(1).ShouldBe((0, 3), "nothing was written in it");
        LeaderEpoch.Check(third.Log, 1).ShouldBe(ErrorCode.FencedLeaderEpoch, "who knows the one before has to ask for metadata");
        LeaderEpoch.Check(third.Log, 3).ShouldBe(ErrorCode.UnknownLeaderEpoch);
        await third.Write();
        third.Log.EndOfEpoch(0).ShouldBe((0, 3));
        third.Log.EndOfEpoch(1).ShouldBe((0, 3));
        third.Log.EndOfEpoch(2).ShouldBe((2, 4));
        third.Log.EpochAt(2).ShouldBe(0);
        third.Log.EpochAt(3).ShouldBe(2);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_start_that_was_moved_stays_moved(bool inOrder, bool toTheEnd)
    {
        await using var before = TestLog.OnDisk(directory.Path);
        for (var i = 0; i < 10; i++)
            await before.Write(3);
        var start = before.Log.DeleteRecords(toTheEnd ? -1 : 17).LowWatermark;
        await using var after = await RestartAsync(before, inOrder);
        after.Log.StartOffset.ShouldBe(start);
        after.Log.HighWatermark.ShouldBe(30);
        (await after.Write()).ShouldBe(30);
    }

    [Fact]
    public async Task A_log_whose_records_were_all_lost_behind_its_start_goes_on_there()
    {
        await using var before = TestLog.OnDisk(directory.Path);
        for (var i = 0; i < 10; i++)
            await before.Write(3);
        before.Log.DeleteRecords(17);
        Copy(directory.Path, image.Path);
        var file = Directory.GetFiles(image.Path, "*.log", SearchOption.AllDirectories).ShouldHaveSingleItem();
        using (var stream = File.OpenWrite(file))
            stream.SetLength(200);
        await using var after = TestLog.OnDisk(image.Path);
        after.Log.StartOffset.ShouldBe(17);
        after.Log.HighWatermark.ShouldBe(17);
        (await after.Write()).ShouldBe(17);
    }

    [Fact]
    public async Task Another_topic_of_the_same_name_finds_nothing_and_nothing_is_lost()
    {
        await using (var before = TestLog.OnDisk(directory.Path))
            await before.Write(3);
        await using var after = TestLog.OnDisk(directory.Path);
        var other = after.Manager.Open(TestLog.Topic, 0, Guid.CreateVersion7(), () => after.Settings);
        other.HighWatermark.ShouldBe(0);
        (await other.AppendAsync(after.Batch(), TestContext.Current.CancellationToken)).BaseOffset.ShouldBe(0);
        Directory.GetFiles(Directory.GetDirectories(directory.Path, "*-stray").ShouldHaveSingleItem(), "*.log").ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Sweeping_an_older_topic_of_the_same_name_leaves_the_newer_one_alone()
    {
        await using (var before = TestLog.OnDisk(directory.Path))
            await before.Write(3);
        await using var after = TestLog.OnDisk(directory.Path);
        after.Manager.Delete(after.Manager.Open(TestLog.Topic, 0, Guid.CreateVersion7(), () => after.Settings));
        after.Log.HighWatermark.ShouldBe(3);
        after.Manager.Delete(after.Log);
        Directory.GetDirectories(directory.Path).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_second_broker_is_refused_the_directory()
    {
        await using (TestLog.OnDisk(directory.Path))
            Should.Throw<IOException>(() => TestLog.OnDisk(directory.Path)).Message.ShouldContain("in use by another broker");
        await using var after = TestLog.OnDisk(directory.Path);
        await after.Write();
    }

    [Fact]
    public async Task A_lost_number_of_starts_does_not_make_records_look_too_new()
    {
        for (var start = 0; start < 3; start++)
        {
            await using var earlier = TestLog.OnDisk(directory.Path);
            await earlier.Write();
        }
        File.Delete(directory.File("leader-epoch"));
        await using var after = TestLog.OnDisk(directory.Path);
        after.Log.LeaderEpoch.ShouldBe(3);
        after.Log.HighWatermark.ShouldBe(3);
    }

    private static async Task FillAsync(TestLog test)
    {
        foreach (var producer in new long[] { 8, 9 })
            test.Log.Enlist(producer, 0);
        for (var i = 0; i < 5; i++)
            await test.Write(2, producer: 7, sequence: 2 * i);
        await test.Write(3, producer: 9, transactional: true);
        for (var i = 0; i < 30; i++)
            await test.Write(4);
        await test.End(9, commit: false);
        await test.Write(3, producer: 8, transactional: true);
        for (var i = 0; i < 30; i++)
            await test.Write(4);
    }

    private async Task<TestLog> RestartAsync(TestLog before, bool inOrder)
    {
        if (inOrder)
            await before.Manager.DisposeAsync();
        Copy(directory.Path, image.Path);
        var after = TestLog.OnDisk(image.Path, options => options.Flush = before.Options.Flush);
        after.Settings = before.Settings;
        return after;
    }

    /// <summary>What a crash of the process leaves. A file that is being replaced in the background may vanish meanwhile; its successor is there.</summary>
    internal static void Copy(string from, string to)
    {
        foreach (var folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(folder.Replace(from, to, StringComparison.Ordinal));
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != ".lock"))
        {
            try
            {
                File.Copy(file, file.Replace(from, to, StringComparison.Ordinal), overwrite: true);
            }
            catch (FileNotFoundException) when (file.EndsWith(SmallFile.TemporarySuffix, StringComparison.Ordinal))
            {
                continue;
            }
        }
    }
}
