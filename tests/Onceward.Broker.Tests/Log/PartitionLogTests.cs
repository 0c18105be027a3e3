using Onceward.Broker.Log;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Tests.Log;

public abstract class PartitionLogTests : LogScenarios
{
    [Fact]
    public async Task An_empty_log_starts_and_ends_at_0()
    {
        await using var test = Create();
        test.Log.StartOffset.ShouldBe(0);
        test.Log.HighWatermark.ShouldBe(0);
        test.Log.LastStableOffset.ShouldBe(0);
        test.Log.SizeInBytes.ShouldBe(0);
        test.Read(0).ShouldBeEmpty();
        test.Log.Read(1, 100, false, true).Error.ShouldBe(ErrorCode.OffsetOutOfRange);
        test.Log.FindTimestamp(0).ShouldBeNull();
        test.Log.FindMaxTimestamp().ShouldBeNull();
    }

    [Fact]
    public async Task Batches_come_back_as_they_were_sent_but_for_offset_and_epoch()
    {
        await using var test = Create();
        var sent = test.Batch(3).ToArray();
        (await test.Write(2)).ShouldBe(0);
        (await test.Append(sent.ToArray())).BaseOffset.ShouldBe(2);
        var stored = test.Read(2).ShouldHaveSingleItem();
        stored.Header.BaseOffset.ShouldBe(2);
        stored.Header.LeaderEpoch.ShouldBe(0);
        stored.Bytes.Span[16..].SequenceEqual(sent.AsSpan(16)).ShouldBeTrue();
        BatchHeader.Checksum(stored.Bytes.Span).ShouldBe(stored.Header.Crc);
    }

    [Fact]
    public async Task A_compacted_topic_takes_no_record_without_a_key_and_names_those_that_have_none()
    {
        await using var test = Create();
        test.Configure(("cleanup.policy", "compact"));
        var mixed = new RecordBatchBuilder(test.Now).Add("k"u8, "v"u8).AddWithoutKey("v"u8).Add("k"u8, "v"u8).Build();
        var refused = await test.Append(mixed);
        refused.Error.ShouldBe(ErrorCode.InvalidRecord);
        refused.BadRecords.ShouldBe([1]);
        test.Log.HighWatermark.ShouldBe(0);
        (await test.Append(new RecordBatchBuilder(test.Now).Add("k"u8, "v"u8).Build())).Error.ShouldBe(ErrorCode.None);
    }

    [Fact]
    public async Task An_offset_within_a_batch_gives_the_whole_batch()
    {
        await using var test = Create();
        await test.Write(5);
        await test.Write(5);
        test.Read(7).ShouldHaveSingleItem().Header.BaseOffset.ShouldBe(5);
        test.Read(10).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_read_is_cut_between_batches_and_the_first_may_come_whole()
    {
        await using var test = Create();
        var size = test.Batch().Length;
        for (var i = 0; i < 300; i++)
            await test.Write();
        test.Read(10, (3 * size) + 1).Select(batch => batch.Header.BaseOffset).ShouldBe([10, 11, 12]);
        test.Read(10, 3 * size).Count.ShouldBe(3);
        test.Read(10, size - 1).ShouldHaveSingleItem();
        test.Read(10, size - 1, atLeastOne: false).ShouldBeEmpty();
        test.Read(10, 0).ShouldHaveSingleItem();
        test.Read(299, int.MaxValue).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Every_offset_is_found_whatever_the_order_of_reading()
    {
        await using var test = Create();
        test.Configure(("segment.bytes", "20000"), ("index.interval.bytes", "500"));
        var bases = new List<long>();
        for (var i = 0; i < 500; i++)
            bases.Add(await test.Write(1 + (i % 7)));
        for (var offset = test.Log.HighWatermark - 1; offset >= 0; offset--)
            test.Read(offset, 1)[0].Header.BaseOffset.ShouldBe(bases.FindLast(candidate => candidate <= offset));
        for (var offset = 0L; offset < test.Log.HighWatermark; offset = test.Read(offset, 3000)[^1].Header.NextOffset)
            test.Read(offset, 3000)[0].Header.BaseOffset.ShouldBe(offset);
    }

    [Fact]
    public async Task Waiters_hear_of_appends_and_markers()
    {
        await using var test = Create();
        var heard = 0;
        void Hear() => heard++;
        test.Log.Waiters.Add(Hear);
        await test.Write();
        heard.ShouldBe(1);
        test.Log.Enlist(7, 0);
        await test.Write(producer: 7, transactional: true);
        await test.End(7, commit: true);
        heard.ShouldBe(3);
        test.Log.DeleteRecords(-1);
        heard.ShouldBe(4);
        test.Manager.Delete(test.Log);
        heard.ShouldBe(5);
        test.Log.Waiters.Remove(Hear);
        test.Log.Waiters.Signal();
        heard.ShouldBe(5);
    }

    [Fact]
    public async Task A_deleted_partition_is_not_known()
    {
        await using var test = Create();
        await test.Write();
        var slice = test.Log.Read(0, 100, false, true).Records;
        test.Manager.Delete(test.Log);
        (await test.Refused(test.Batch())).ShouldBe(ErrorCode.UnknownTopicOrPartition);
        test.Log.Read(0, 100, false, true).Error.ShouldBe(ErrorCode.UnknownTopicOrPartition);
        slice.CopyTo(new byte[slice.Length]).ShouldBe(0);
        test.Manager.MemoryUsed.ShouldBe(0);
    }

    [Fact]
    public async Task Deleting_records_moves_the_start_and_nothing_else()
    {
        await using var test = Create();
        await test.Write(5);
        await test.Write(5);
        test.Log.DeleteRecords(11).Error.ShouldBe(ErrorCode.OffsetOutOfRange);
        test.Log.DeleteRecords(-2).Error.ShouldBe(ErrorCode.OffsetOutOfRange);
        test.Log.DeleteRecords(7).ShouldBe((ErrorCode.None, 7));
        test.Log.DeleteRecords(3).ShouldBe((ErrorCode.None, 7));
        test.Log.Read(6, 100, false, true).Error.ShouldBe(ErrorCode.OffsetOutOfRange);
        test.Read(7)[0].Header.BaseOffset.ShouldBe(5);
        test.Log.DeleteRecords(-1).ShouldBe((ErrorCode.None, 10));
        test.Log.SizeInBytes.ShouldBe(0);
        (await test.Write()).ShouldBe(10);
    }
}

public sealed class PartitionLogInMemoryTests : PartitionLogTests
{
    [Fact]
    public async Task A_full_memory_refuses_and_keeps_what_it_has()
    {
        await using var test = TestLog.InMemory(options => options.MemoryLimit = 100_000);
        var written = 0;
        AppendResult result;
        while ((result = await test.Append(test.Batch(valueSize: 5000))).Error == ErrorCode.None)
            written++;
        result.Error.ShouldBe(ErrorCode.KafkaStorageError);
        result.Message!.ShouldContain("MemoryLimit");
        written.ShouldBeInRange(10, 20);
        test.Read(0).Count.ShouldBe(written);
        test.Manager.MemoryUsed.ShouldBeLessThanOrEqualTo(100_000);
        test.Log.DeleteRecords(-1);
        (await test.Append(test.Batch(valueSize: 5000))).BaseOffset.ShouldBe(written);
    }

    private protected override TestLog Create() => TestLog.InMemory();
}

public sealed class PartitionLogOnDiskTests : PartitionLogTests
{
    private protected override TestLog Create() => OnDisk();
}
