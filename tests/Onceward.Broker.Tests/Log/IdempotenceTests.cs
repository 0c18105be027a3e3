using Onceward.Broker.Protocol;

namespace Onceward.Broker.Tests.Log;

public abstract class IdempotenceTests : LogScenarios
{
    [Fact]
    public async Task A_repeated_batch_gets_its_first_offset_and_is_not_written_again()
    {
        await using var test = Create();
        await test.Write();
        for (var i = 0; i < 6; i++)
            (await test.Write(2, producer: 7, sequence: 2 * i)).ShouldBe(1 + (2 * i));
        (await test.Write(2, producer: 7, sequence: 2)).ShouldBe(3);
        (await test.Write(2, producer: 7, sequence: 10)).ShouldBe(11);
        test.Log.HighWatermark.ShouldBe(13);
    }

    [Fact]
    public async Task Only_the_last_five_batches_are_remembered()
    {
        await using var test = Create();
        for (var i = 0; i < 6; i++)
            await test.Write(producer: 7, sequence: i);
        (await test.Refused(test.Batch(producer: 7, sequence: 0))).ShouldBe(ErrorCode.OutOfOrderSequenceNumber);
        (await test.Write(producer: 7, sequence: 1)).ShouldBe(1);
    }

    [Fact]
    public async Task A_gap_in_the_sequence_is_refused()
    {
        await using var test = Create();
        await test.Write(3, producer: 7);
        (await test.Refused(test.Batch(producer: 7, sequence: 4))).ShouldBe(ErrorCode.OutOfOrderSequenceNumber);
        (await test.Refused(test.Batch(producer: 7, sequence: 2))).ShouldBe(ErrorCode.OutOfOrderSequenceNumber);
        await test.Write(producer: 7, sequence: 3);
    }

    [Fact]
    public async Task A_producer_that_is_not_known_may_start_anywhere()
    {
        await using var test = Create();
        await test.Write(producer: 7, sequence: 41);
        await test.Write(producer: 7, sequence: 42);
    }

    [Fact]
    public async Task Sequences_wrap_after_the_largest_integer()
    {
        await using var test = Create();
        await test.Write(3, producer: 7, sequence: int.MaxValue - 1);
        (await test.Write(3, producer: 7, sequence: int.MaxValue - 1)).ShouldBe(0);
        await test.Write(producer: 7, sequence: 1);
        await test.Write(producer: 8, sequence: int.MaxValue);
        await test.Write(producer: 8, sequence: 0);
    }

    [Fact]
    public async Task A_new_epoch_starts_at_0_and_fences_the_old_one()
    {
        await using var test = Create();
        await test.Write(producer: 7, sequence: 5);
        (await test.Refused(test.Batch(producer: 7, epoch: 1, sequence: 6))).ShouldBe(ErrorCode.OutOfOrderSequenceNumber);
        await test.Write(producer: 7, epoch: 1);
        (await test.Refused(test.Batch(producer: 7, epoch: 0, sequence: 6))).ShouldBe(ErrorCode.InvalidProducerEpoch);
    }

    [Fact]
    public async Task A_silent_producer_is_forgotten_after_a_day()
    {
        await using var test = Create();
        await test.Write(producer: 7);
        await test.Write(producer: 8);
        test.Clock.Advance(TimeSpan.FromHours(13));
        await test.Write(producer: 8, sequence: 1);
        test.Clock.Advance(TimeSpan.FromHours(13));
        test.Log.Producers().ShouldHaveSingleItem().ProducerId.ShouldBe(8);
        await test.Write(producer: 7, sequence: 100);
    }
}

public sealed class IdempotenceInMemoryTests : IdempotenceTests
{
    private protected override TestLog Create() => TestLog.InMemory();
}

public sealed class IdempotenceOnDiskTests : IdempotenceTests
{
    private protected override TestLog Create() => OnDisk();
}
