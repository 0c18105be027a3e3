using Onceward.Broker.Log;
using Onceward.Broker.Protocol;
using Onceward.Broker.Transactions;

namespace Onceward.Broker.Tests.Transactions;

/// <summary>What a start makes of what the last one left.</summary>
public sealed class RestartTests
{
    [Fact]
    public async Task Producers_keep_their_ids_and_epochs()
    {
        await using var test = await TestTransactions.StartAsync();
        var producer = await test.Init();
        await test.RestartAsync();
        (await test.Add(producer, 0)).ShouldBe(ErrorCode.None);
        (await test.End(producer, commit: true)).ShouldBe(ErrorCode.None);
        (await test.Init()).ShouldBe(producer with { Epoch = 1 });
    }

    [Fact]
    public async Task An_open_transaction_goes_on()
    {
        await using var test = await TestTransactions.StartAsync();
        var producer = await test.Init();
        await test.Add(producer, 0);
        await test.Add(producer, 1);
        await test.Write(producer, 0);
        await test.RestartAsync();
        (await test.Write(producer, 0, 1)).ShouldBe(ErrorCode.None);
        (await test.Write(producer, 1)).ShouldBe(ErrorCode.None);
        (await test.End(producer, commit: true)).ShouldBe(ErrorCode.None);
        test.Markers(1).Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_time_of_an_open_transaction_runs_on_while_the_broker_is_down()
    {
        await using var test = await TestTransactions.StartAsync();
        var producer = await test.Init(timeoutMs: 10_000);
        await test.Add(producer, 0);
        await test.RestartAsync(down: TimeSpan.FromSeconds(8));
        test.Coordinator.Find("id")!.IsOngoing.ShouldBeTrue();
        test.Clock.Advance(TimeSpan.FromSeconds(3));
        await TransactionCoordinatorTests.Eventually(() => test.Coordinator.Find("id")!.Status == TransactionStatus.CompleteAbort);
        test.Markers(0).ShouldBe([(producer.Id, (short)1, false)]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_decided_is_finished(bool commit)
    {
        await using var test = await TestTransactions.StartAsync();
        var producer = await test.Init();
        await test.Add(producer, 0);
        await test.Write(producer, 0);
        var decided = test.Coordinator.Find("id")!.End(producer, commit, now: 1).Next!;
        await Store(test, decided);
        await test.RestartAsync();
        test.Markers(0).ShouldBe([(producer.Id, producer.Epoch, commit)]);
        test.Log(0).LastStableOffset.ShouldBe(2);
        (await test.End(producer, commit)).ShouldBe(ErrorCode.None);
        (await test.End(producer, !commit)).ShouldBe(ErrorCode.InvalidTxnState);
    }

    [Fact]
    public async Task A_damaged_state_stops_the_start()
    {
        await using var test = await TestTransactions.StartAsync();
        await test.Init();
        var batch = new RecordBatchBuilder(1).Add(TransactionRecords.Key("id"), [9, 9, 9]).Build();
        await test.StateLog.AppendInternalAsync(batch, CancellationToken.None);
        (await Should.ThrowAsync<InvalidDataException>(() => test.RestartAsync())).Message.ShouldContain("__transaction_state");
    }

    /// <summary>The crash comes right after the decision is on disk.</summary>
    private static async Task Store(TestTransactions test, TransactionalProducer state)
    {
        var batch = new RecordBatchBuilder(1).Add(TransactionRecords.Key(state.TransactionalId), TransactionRecords.Value(state)).Build();
        (await test.StateLog.AppendInternalAsync(batch, CancellationToken.None)).Error.ShouldBe(ErrorCode.None);
    }
}
