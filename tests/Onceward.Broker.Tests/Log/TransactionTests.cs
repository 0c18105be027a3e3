using Onceward.Broker.Log;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Tests.Log;

public abstract class TransactionTests : LogScenarios
{
    [Fact]
    public async Task Only_an_enlisted_producer_writes_in_a_transaction()
    {
        await using var test = Create();
        (await test.Refused(test.Batch(producer: 7, transactional: true))).ShouldBe(ErrorCode.InvalidTxnState);
        test.Log.Enlist(7, 0);
        await test.Write(producer: 7, transactional: true);
        (await test.Refused(test.Batch(producer: 7, epoch: 1, transactional: true))).ShouldBe(ErrorCode.InvalidTxnState);
        (await test.Refused(test.Batch(producer: 7, sequence: 1))).ShouldBe(ErrorCode.InvalidTxnState);
        await test.End(7, commit: true);
        (await test.Refused(test.Batch(producer: 7, sequence: 1, transactional: true))).ShouldBe(ErrorCode.InvalidTxnState);
    }

    [Fact]
    public async Task The_last_stable_offset_waits_for_the_earliest_open_transaction()
    {
        await using var test = Create();
        test.Log.Enlist(7, 0);
        test.Log.Enlist(8, 0);
        await test.Write();
        await test.Write(2, producer: 7, transactional: true);
        await test.Write(2, producer: 8, transactional: true);
        await test.Write();
        test.Log.LastStableOffset.ShouldBe(1);
        test.Read(0, committed: true).ShouldHaveSingleItem();
        test.Read(1, committed: true).ShouldBeEmpty();
        test.Read(0).Count.ShouldBe(4);
        (await test.End(7, commit: true)).ShouldBe(6);
        test.Log.LastStableOffset.ShouldBe(3);
        (await test.End(8, commit: false)).ShouldBe(7);
        test.Log.LastStableOffset.ShouldBe(8);
        test.Log.Read(0, int.MaxValue, true, true).Aborted.ShouldBe([new AbortedTransaction(8, 3)]);
        test.Log.Read(0, int.MaxValue, false, true).Aborted.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_marker_is_a_control_batch_that_says_how_it_ended()
    {
        await using var test = Create();
        test.Log.Enlist(7, 3);
        await test.Write(producer: 7, epoch: 3, transactional: true);
        await test.End(7, commit: true, epoch: 3, coordinatorEpoch: 5);
        await test.End(7, commit: false, epoch: 4, coordinatorEpoch: 5);
        var batches = test.Read(1);
        batches[0].Commits.ShouldBe(true);
        batches[1].Commits.ShouldBe(false);
        batches[0].Header.Attributes.ShouldBe((short)0x30);
        batches[0].Header.BaseSequence.ShouldBe(-1);
        BatchHeader.Checksum(batches[0].Bytes.Span).ShouldBe(batches[0].Header.Crc);
        test.Log.Read(0, int.MaxValue, true, true).Aborted.ShouldBeEmpty("no transaction was open when it was aborted");
    }

    [Fact]
    public async Task A_marker_of_an_older_epoch_is_refused()
    {
        await using var test = Create();
        await test.End(7, commit: false, epoch: 4, coordinatorEpoch: 5);
        (await test.Log.AppendMarkerAsync(7, 3, true, 5, TestContext.Current.CancellationToken)).Error.ShouldBe(ErrorCode.InvalidProducerEpoch);
        (await test.Log.AppendMarkerAsync(7, 4, true, 4, TestContext.Current.CancellationToken)).Error.ShouldBe(ErrorCode.TransactionCoordinatorFenced);
        test.Log.Enlist(7, 3);
        (await test.Refused(test.Batch(producer: 7, epoch: 3, transactional: true))).ShouldBe(ErrorCode.InvalidProducerEpoch);
        test.Log.Enlist(7, 4);
        await test.Write(producer: 7, epoch: 4, transactional: true);
    }

    [Fact]
    public async Task The_broker_s_own_transactional_batches_carry_no_sequence()
    {
        await using var test = Create();
        Memory<byte> Offsets() => new RecordBatchBuilder(test.Now) { ProducerId = 7, ProducerEpoch = 0, IsTransactional = true }.Add("k"u8, "v"u8).Build();
        (await test.Log.AppendInternalAsync(Offsets(), TestContext.Current.CancellationToken)).Error.ShouldBe(ErrorCode.InvalidTxnState);
        test.Log.Enlist(7, 0);
        (await test.Log.AppendInternalAsync(Offsets(), TestContext.Current.CancellationToken)).BaseOffset.ShouldBe(0);
        (await test.Log.AppendInternalAsync(Offsets(), TestContext.Current.CancellationToken)).BaseOffset.ShouldBe(1);
        test.Log.LastStableOffset.ShouldBe(0);
        await test.End(7, commit: true);
        test.Log.LastStableOffset.ShouldBe(3);
        RecordReader.Batches(test.Log).Select(batch => batch.Commits).ShouldBe([null, null, true]);
    }
}

public sealed class TransactionInMemoryTests : TransactionTests
{
    private protected override TestLog Create() => TestLog.InMemory();
}

public sealed class TransactionOnDiskTests : TransactionTests
{
    private protected override TestLog Create() => OnDisk();
}
