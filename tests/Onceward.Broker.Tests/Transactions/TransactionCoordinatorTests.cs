using Onceward.Broker.Protocol;
using Onceward.Broker.Transactions;

namespace Onceward.Broker.Tests.Transactions;

public sealed class TransactionCoordinatorTests
{
    [Fact]
    public async Task Without_a_transactional_id_every_producer_gets_its_own()
    {
        await using var test = await TestTransactions.StartAsync();
        var first = await test.Init(null!);
        var second = await test.Init(null!);
        first.Epoch.ShouldBe((short)0);
        second.ShouldBe(new ProducerIdentity(first.Id + 1, 0));
        test.Topics.TryGet(TransactionLog.TopicName, out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData(0, ErrorCode.InvalidTransactionTimeout)]
    [InlineData(-1, ErrorCode.InvalidTransactionTimeout)]
    [InlineData(900_001, ErrorCode.InvalidTransactionTimeout)]
    [InlineData(900_000, ErrorCode.None)]
    [InlineData(1, ErrorCode.None)]
    public async Task Time_outs_have_bounds(int timeoutMs, ErrorCode expected)
    {
        await using var test = await TestTransactions.StartAsync();
        (await test.InitError(timeoutMs: timeoutMs)).ShouldBe(expected);
    }

    [Fact]
    public async Task An_empty_transactional_id_is_refused()
    {
        await using var test = await TestTransactions.StartAsync();
        (await test.InitError("")).ShouldBe(ErrorCode.InvalidRequest);
        (await test.Add(default, 0, "")).ShouldBe(ErrorCode.InvalidRequest);
        (await test.End(default, commit: true, "")).ShouldBe(ErrorCode.InvalidRequest);
    }

    [Fact]
    public async Task Of_an_unknown_transactional_id_nobody_is_the_producer()
    {
        await using var test = await TestTransactions.StartAsync();
        (await test.Add(new(0, 0), 0)).ShouldBe(ErrorCode.InvalidProducerIdMapping);
        (await test.End(new(0, 0), commit: true)).ShouldBe(ErrorCode.InvalidProducerIdMapping);
        test.Coordinator.All.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_end_writes_one_marker_to_each_partition_between_decision_and_completion(bool commit)
    {
        await using var test = await TestTransactions.StartAsync();
        var producer = await test.Init();
        await test.Add(producer, 0);
        await test.Add(producer, 1);
        (await test.Write(producer, 0)).ShouldBe(ErrorCode.None);
        (await test.End(producer, commit)).ShouldBe(ErrorCode.None);
        test.Markers(0).ShouldBe([(producer.Id, producer.Epoch, commit)]);
        test.Markers(1).ShouldBe([(producer.Id, producer.Epoch, commit)]);
        test.Markers(2).ShouldBeEmpty();
        test.History().ShouldBe([TransactionStatus.Empty, TransactionStatus.Ongoing, TransactionStatus.Ongoing,
            commit ? TransactionStatus.PrepareCommit : TransactionStatus.PrepareAbort, commit ? TransactionStatus.CompleteCommit : TransactionStatus.CompleteAbort]);
        test.Log(0).LastStableOffset.ShouldBe(2);
    }

    [Fact]
    public async Task A_partition_takes_the_producers_records_only_between_its_addition_and_the_end()
    {
        await using var test = await TestTransactions.StartAsync();
        var producer = await test.Init();
        (await test.Write(producer, 0)).ShouldBe(ErrorCode.InvalidTxnState);
        await test.Add(producer, 0);
        (await test.Write(producer, 0)).ShouldBe(ErrorCode.None);
        await test.End(producer, commit: true);
        (await test.Write(producer, 0, 1)).ShouldBe(ErrorCode.InvalidTxnState);
        await test.Add(producer, 0);
        (await test.Write(producer, 0, 1)).ShouldBe(ErrorCode.None);
    }

    [Fact]
    public async Task A_second_producer_aborts_the_transaction_of_the_first_and_fences_it()
    {
        await using var test = await TestTransactions.StartAsync();
        var first = await test.Init();
        await test.Add(first, 0);
        await test.Write(first, 0);
        (await test.InitError()).ShouldBe(ErrorCode.ConcurrentTransactions);
        var second = await test.Init();
        second.ShouldBe(first with { Epoch = 2 });
        test.Markers(0).ShouldBe([(first.Id, (short)1, false)]);
        (await test.Write(first, 0, 1)).ShouldBe(ErrorCode.InvalidProducerEpoch);
        (await test.Add(first, 0)).ShouldBe(ErrorCode.ProducerFenced);
        (await test.End(first, commit: true)).ShouldBe(ErrorCode.ProducerFenced);
    }

    [Fact]
    public async Task Requests_for_one_id_wait_for_each_other()
    {
        await using var test = await TestTransactions.StartAsync();
        var producers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => test.Init())));
        producers.Select(producer => producer.Epoch).Order().ShouldBe(Enumerable.Range(0, 50).Select(i => (short)i));
        producers.Select(producer => producer.Id).Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_transaction_past_its_time_is_aborted_and_its_producer_fenced()
    {
        await using var test = await TestTransactions.StartAsync();
        var producer = await test.Init(timeoutMs: 5_000);
        await test.Add(producer, 0);
        await test.Write(producer, 0);
        test.Clock.Advance(TimeSpan.FromSeconds(4));
        test.Markers(0).ShouldBeEmpty();
        test.Clock.Advance(TimeSpan.FromSeconds(2));
        await Eventually(() => test.Markers(0).Count == 1);
        test.Markers(0).ShouldBe([(producer.Id, (short)1, false)]);
        (await test.End(producer, commit: true)).ShouldBe(ErrorCode.ProducerFenced);
        (await test.Write(producer, 0, 1)).ShouldBe(ErrorCode.InvalidProducerEpoch);
        (await test.Init(current: producer)).ShouldBe(producer with { Epoch = 1 });
    }

    [Fact]
    public async Task The_time_counts_for_each_transaction_anew()
    {
        await using var test = await TestTransactions.StartAsync();
        var producer = await test.Init(timeoutMs: 5_000);
        for (var i = 0; i < 3; i++)
        {
            await test.Add(producer, 0);
            test.Clock.Advance(TimeSpan.FromSeconds(4));
            (await test.End(producer, commit: true)).ShouldBe(ErrorCode.None);
        }
    }

    [Fact]
    public async Task An_id_that_nobody_uses_is_forgotten()
    {
        await using var test = await TestTransactions.StartAsync();
        var producer = await test.Init();
        test.Clock.Advance(test.Options.TransactionalIdExpiration + test.Options.HousekeepingInterval);
        await Eventually(() => test.Coordinator.Find("id") is null);
        (await test.Add(producer, 0)).ShouldBe(ErrorCode.InvalidProducerIdMapping);
        await test.RestartAsync();
        test.Coordinator.Find("id").ShouldBeNull();
        (await test.Init(current: producer)).Id.ShouldNotBe(producer.Id);
    }

    [Fact]
    public async Task The_log_is_rewritten_when_it_has_grown_far_beyond_what_is_live()
    {
        await using var test = await TestTransactions.StartAsync();
        var kept = await test.Init("kept");
        for (var i = 0; i < 10_001; i++)
            await test.Init();
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        await Eventually(() => test.StateLog.StartOffset > 0);
        (test.StateLog.HighWatermark - test.StateLog.StartOffset).ShouldBe(2);
        await test.RestartAsync();
        test.Coordinator.Find("kept").ShouldNotBeNull().Identity.ShouldBe(kept);
        test.Coordinator.Find("id").ShouldNotBeNull().Epoch.ShouldBe((short)10_000);
    }

    [Fact]
    public async Task A_deleted_topic_drops_out_of_the_transaction()
    {
        await using var test = await TestTransactions.StartAsync();
        var producer = await test.Init();
        await test.Add(producer, 0);
        test.Topics.TryGet("t", out var topic);
        test.Topics.Delete(topic!).Error.ShouldBe(ErrorCode.None);
        (await test.End(producer, commit: true)).ShouldBe(ErrorCode.None);
        test.Coordinator.Find("id")!.Status.ShouldBe(TransactionStatus.CompleteCommit);
    }

    internal static async Task Eventually(Func<bool> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition())
            await Task.Delay(5, deadline.Token);
    }

    [Fact]
    public async Task While_one_partition_takes_no_marker_the_others_get_no_second_one()
    {
        await using var test = await TestTransactions.StartAsync();
        var producer = await test.Init();
        (await test.Add(producer, 0)).ShouldBe(ErrorCode.None);
        (await test.Add(producer, 1)).ShouldBe(ErrorCode.None);
        await test.Log(1).DisposeAsync();
        (await test.Add(producer, 1)).ShouldBe(ErrorCode.CoordinatorNotAvailable, "it takes nothing now; the client asks again");
        (await test.End(producer, commit: true)).ShouldBe(ErrorCode.None);
        for (var second = 0; second < 5; second++)
        {
            test.Clock.Advance(TimeSpan.FromSeconds(1)); // The sweep tries again.
            await Task.Delay(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken);
        }
        test.Markers(0).ShouldBe([(producer.Id, producer.Epoch, true)]);
        test.History()[^1].ShouldBe(TransactionStatus.PrepareCommit);
    }
}
