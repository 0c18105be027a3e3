using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

public sealed class TransactionTests
{
    [Fact]
    public async Task A_transactional_id_keeps_its_producer_and_gets_a_new_epoch_that_fences_the_old_one()
    {
        await using var topic = await Topic.CreateAsync();
        await using var old = await Transaction.CreateAsync();
        await using var heir = await Transaction.CreateAsync(old.Id);
        heir.ProducerId.ShouldBe(old.ProducerId);
        heir.Epoch.ShouldBe(old.Epoch + 1);
        (await old.AddAsync(topic)).ShouldBe(Code.InvalidProducerEpoch);
        (await old.EndAsync(commit: true)).ShouldBe(Code.InvalidProducerEpoch);
        (await heir.AddAsync(topic)).ShouldBe(Code.None);
        await heir.EndAsync(commit: true, topic);
    }

    [Fact]
    public async Task Before_version_2_of_its_requests_the_fenced_are_told_in_the_older_word()
    {
        await using var topic = await Topic.CreateAsync();
        await using var old = await Transaction.CreateAsync();
        await using var heir = await Transaction.CreateAsync(old.Id);
        object Add = new { transactionalId = old.Id, producerId = old.ProducerId, producerEpoch = old.Epoch, topics = new[] { new { name = topic.Name, partitions = new[] { 0 } } } };
        (await old.Connection.AskAsync(Api.AddPartitionsToTxn, 1, Add)).Partition.Error.ShouldBe(Code.InvalidProducerEpoch);
        (await old.Connection.AskAsync(Api.AddPartitionsToTxn, 2, Add)).Partition.Error.ShouldBe(Code.ProducerFenced);
    }

    [Fact]
    public async Task An_heir_aborts_what_was_left_open()
    {
        await using var topic = await Topic.CreateAsync();
        await using var old = await Transaction.CreateAsync();
        await old.WriteAsync(topic, 0, "lost");
        await using var heir = await Transaction.CreateAsync(old.Id);
        await Eventually.HoldsAsync("the old one's records are settled", async () => (await topic.ListOffsetsAsync(-1, committed: true)).Number("offset") == 2);
        (await old.ProduceAsync(topic, 1, "late")).Error.ShouldBe(Code.InvalidProducerEpoch);
        (await topic.ReadAsync(0))[1].IsControl.ShouldBeTrue();
        await heir.WriteAsync(topic, 0, "kept");
        await heir.EndAsync(commit: true, topic);
    }

    [Fact]
    public async Task While_the_old_ones_transaction_is_aborted_the_heir_is_asked_to_wait_or_served()
    {
        await using var topic = await Topic.CreateAsync();
        await using var old = await Transaction.CreateAsync();
        await old.WriteAsync(topic, 0, "lost");
        var reply = await old.InitOnceAsync();
        reply.Error.ShouldBeOneOf(Code.ConcurrentTransactions, Code.None);
        (await old.InitAsync()).Error.ShouldBe(Code.None);
        old.Epoch.ShouldBeGreaterThanOrEqualTo(1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1_000_000_000)]
    public async Task A_time_out_beyond_its_bounds_is_refused(int timeoutMs)
    {
        await using var transaction = await Transaction.CreateAsync();
        (await transaction.InitOnceAsync(timeoutMs)).Error.ShouldBe(Code.InvalidTransactionTimeout);
    }

    [Fact]
    public async Task An_empty_id_is_refused()
    {
        await using var connection = await WireConnection.OpenAsync();
        (await connection.AskAsync(Api.InitProducerId, 1, new { transactionalId = "" })).Error.ShouldBe(Code.InvalidRequest);
    }

    [Fact]
    public async Task A_producer_may_bump_its_own_epoch_and_nobody_elses()
    {
        await using var transaction = await Transaction.CreateAsync();
        var bumped = await transaction.InitOnceAsync(producerId: transaction.ProducerId, epoch: transaction.Epoch);
        bumped.Error.ShouldBe(Code.None);
        bumped.Number("producerEpoch").ShouldBe(transaction.Epoch + 1);
        var again = await transaction.InitOnceAsync(producerId: transaction.ProducerId, epoch: transaction.Epoch); // the answer was lost
        again.Error.ShouldBe(Code.None);
        again.Number("producerEpoch").ShouldBe(transaction.Epoch + 1);
        (await transaction.InitOnceAsync(producerId: transaction.ProducerId, epoch: transaction.Epoch + 7)).Error.ShouldBe(Code.InvalidProducerEpoch);
        (await transaction.InitOnceAsync(producerId: transaction.ProducerId, epoch: transaction.Epoch + 7, version: 4)).Error.ShouldBe(Code.ProducerFenced);
        (await transaction.InitOnceAsync(producerId: transaction.ProducerId + 1_000_000, epoch: 0)).Error.ShouldBe(Code.InvalidProducerEpoch);
    }

    [Fact]
    public async Task A_partition_that_does_not_exist_fails_and_the_others_are_not_attempted()
    {
        await using var topic = await Topic.CreateAsync();
        await using var transaction = await Transaction.CreateAsync();
        var unknown = Backend.Name("unknown");
        var reply = await transaction.AddOnceAsync((topic.Name, [0, 9]), (unknown, [0]));
        var codes = reply.List("results").SelectMany(t => t.List("partitions").Select(p => (t.Text("name"), p.Number("partitionIndex"), p.Error))).ToArray();
        codes.ShouldBe([(topic.Name, 0, Code.OperationNotAttempted), (topic.Name, 9, Code.UnknownTopicOrPartition), (unknown, 0, Code.UnknownTopicOrPartition)], ignoreOrder: true);
        (await transaction.ProduceAsync(topic, 0, "a")).Error.ShouldBe(Code.InvalidTxnState);
    }

    [Fact]
    public async Task An_unknown_id_or_another_producer_has_no_transaction()
    {
        await using var topic = await Topic.CreateAsync();
        await using var transaction = await Transaction.CreateAsync();
        transaction.ProducerId += 1_000_000;
        (await transaction.AddAsync(topic)).ShouldBe(Code.InvalidProducerIdMapping);
        (await transaction.EndAsync(commit: true)).ShouldBe(Code.InvalidProducerIdMapping);
        (await transaction.AddOffsetsAsync("any")).ShouldBe(Code.InvalidProducerIdMapping);
        object unknown = new { transactionalId = Backend.Name("unknown"), producerId = 5, producerEpoch = 0, committed = true };
        (await transaction.Connection.AskAsync(Api.EndTxn, 1, unknown)).Error.ShouldBe(Code.InvalidProducerIdMapping);
    }

    [Fact]
    public async Task A_write_to_a_partition_that_was_not_added_is_refused()
    {
        await using var topic = await Topic.CreateAsync();
        await using var transaction = await Transaction.CreateAsync();
        (await transaction.ProduceAsync(topic, 0, "a")).Error.ShouldBe(Code.InvalidTxnState);
        (await topic.EndAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_plain_write_of_a_producer_with_an_open_transaction_is_refused()
    {
        await using var topic = await Topic.CreateAsync();
        await using var transaction = await Transaction.CreateAsync();
        await transaction.WriteAsync(topic, 0, "a");
        (await topic.ProduceAsync(transaction.Batch(1, "b") with { Attributes = 0 })).Error.ShouldBe(Code.InvalidTxnState);
    }

    [Fact]
    public async Task An_end_without_a_transaction_is_refused()
    {
        await using var transaction = await Transaction.CreateAsync();
        (await transaction.EndAsync(commit: true)).ShouldBe(Code.InvalidTxnState);
        (await transaction.EndAsync(commit: false)).ShouldBe(Code.InvalidTxnState);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_same_end_may_be_asked_for_again_and_the_other_one_may_not(bool commit)
    {
        await using var topic = await Topic.CreateAsync();
        await using var transaction = await Transaction.CreateAsync();
        await transaction.WriteAsync(topic, 0, "a");
        (await transaction.EndAsync(commit)).ShouldBe(Code.None);
        (await transaction.EndAsync(commit)).ShouldBe(Code.None);
        (await transaction.EndAsync(!commit)).ShouldBe(Code.InvalidTxnState);
        (await topic.EndAsync()).ShouldBe(2); // one marker
    }

    [Fact]
    public async Task A_transaction_left_open_is_aborted_when_its_time_is_up_and_its_producer_fenced()
    {
        await using var topic = await Topic.CreateAsync();
        await using var transaction = await Transaction.CreateAsync(timeoutMs: 1_000);
        await transaction.WriteAsync(topic, 0, "a");
        await Eventually.HoldsAsync("it is aborted", async () => (await topic.ListOffsetsAsync(-1, committed: true)).Number("offset") == 2);
        (await topic.FetchAsync(0, committed: true)).Only("abortedTransactions").Number("producerId").ShouldBe(transaction.ProducerId);
        (await transaction.ProduceAsync(topic, 1, "late")).Error.ShouldBe(Code.InvalidProducerEpoch);
        (await transaction.EndAsync(commit: true)).ShouldBeOneOf(Code.ProducerFenced, Code.InvalidProducerEpoch);
        (await topic.EndAsync()).ShouldBe(2);
    }

    [Fact]
    public async Task Without_records_an_end_writes_a_marker_to_every_added_partition()
    {
        await using var topic = await Topic.CreateAsync();
        await using var transaction = await Transaction.CreateAsync();
        (await transaction.AddAsync(topic)).ShouldBe(Code.None);
        await transaction.EndAsync(commit: true);
        await Eventually.HoldsAsync("a marker", async () => await topic.EndAsync() == 1);
    }
}
