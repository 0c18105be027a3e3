using Onceward.Conformance.Wire;

namespace Onceward.Conformance;

/// <summary>What readers of committed data see, and when.</summary>
public sealed class ReadCommittedTests
{
    [Fact]
    public async Task Nothing_behind_an_open_transaction_is_stable()
    {
        await using var topic = await Topic.CreateAsync();
        await using var transaction = await Transaction.CreateAsync();
        await topic.WriteAsync("before");
        await transaction.WriteAsync(topic, 0, "a");
        await topic.WriteAsync("behind");
        var reply = await topic.FetchAsync(0, committed: true);
        reply.Number("highWatermark").ShouldBe(3);
        reply.Number("lastStableOffset").ShouldBe(1);
        Batch.Read(reply.Bytes("records")).ShouldHaveSingleItem().BaseOffset.ShouldBe(0);
        (await topic.ListOffsetsAsync(-1, committed: true)).Number("offset").ShouldBe(1);
        (await topic.ReadAsync(0)).Count.ShouldBe(3); // others see all
        (await topic.FetchAsync(2, committed: true)).Bytes("records")!.ShouldBeEmpty();
        await transaction.EndAsync(commit: true, topic);
        (await topic.ReadAsync(0, committed: true)).Count.ShouldBe(4);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_marker_is_a_control_batch_that_takes_one_offset(bool commit)
    {
        await using var topic = await Topic.CreateAsync();
        await using var transaction = await Transaction.CreateAsync();
        await transaction.WriteAsync(topic, 0, "a", "b");
        await transaction.EndAsync(commit, topic);
        var batches = await topic.ReadAsync(0, committed: true);
        batches.Count.ShouldBe(2);
        batches[0].IsTransactional.ShouldBeTrue();
        var marker = batches[1];
        (marker.IsControl, marker.IsTransactional, marker.BaseOffset, marker.Count, marker.LastOffsetDelta, marker.BaseSequence).ShouldBe((true, true, 2, 1, 0, -1));
        marker.ProducerId.ShouldBe(transaction.ProducerId);
        // length, attributes, two deltas, a key of 4 bytes: version 0 and the type.
        var type = (byte)(commit ? 1 : 0);
        marker.Records.Span[4..9].ToArray().ShouldBe([8, 0, 0, 0, type]);
    }

    [Fact]
    public async Task An_aborted_transaction_is_listed_with_its_first_offset()
    {
        await using var topic = await Topic.CreateAsync();
        await using var transaction = await Transaction.CreateAsync();
        await topic.WriteAsync("before");
        await transaction.WriteAsync(topic, 0, "a");
        await transaction.EndAsync(commit: false, topic);
        await transaction.WriteAsync(topic, 1, "b");
        await transaction.EndAsync(commit: true, topic);
        var reply = await topic.FetchAsync(0, committed: true);
        var aborted = reply.Only("abortedTransactions");
        aborted.Number("producerId").ShouldBe(transaction.ProducerId);
        aborted.Number("firstOffset").ShouldBe(1);
        Batch.Read(reply.Bytes("records")).Count.ShouldBe(5); // the aborted records are there, for the client to skip
        (await topic.FetchAsync(0)).List("abortedTransactions").ShouldBeEmpty();
    }

    [Fact]
    public async Task An_aborted_transaction_that_ends_before_the_asked_offset_is_not_listed()
    {
        await using var topic = await Topic.CreateAsync();
        await using var transaction = await Transaction.CreateAsync();
        await transaction.WriteAsync(topic, 0, "a"); // 0, marker 1
        await transaction.EndAsync(commit: false, topic);
        await topic.WriteAsync("b"); // 2
        await transaction.WriteAsync(topic, 1, "c"); // 3, marker 4
        await transaction.EndAsync(commit: false, topic);
        await topic.WriteAsync("d"); // 5
        (await FirstOffsetsAsync(topic, 0)).ShouldBe([0, 3]);
        (await FirstOffsetsAsync(topic, 1)).ShouldBe([0, 3]);
        (await FirstOffsetsAsync(topic, 2)).ShouldBe([3]);
        (await FirstOffsetsAsync(topic, 4)).ShouldBe([3]);
        (await FirstOffsetsAsync(topic, 5)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Transactions_that_interleave_are_told_apart()
    {
        await using var topic = await Topic.CreateAsync();
        await using var kept = await Transaction.CreateAsync();
        await using var lost = await Transaction.CreateAsync();
        await lost.WriteAsync(topic, 0, "l0"); // 0
        await kept.WriteAsync(topic, 0, "k0"); // 1
        await lost.ProduceAsync(topic, 1, "l1"); // 2
        (await kept.EndAsync(commit: true)).ShouldBe(Code.None); // marker 3
        await Eventually.HoldsAsync("its marker", async () => await topic.EndAsync() == 4);
        (await topic.ListOffsetsAsync(-1, committed: true)).Number("offset").ShouldBe(0); // the other is open
        await lost.EndAsync(commit: false, topic);
        var aborted = (await topic.FetchAsync(0, committed: true)).Only("abortedTransactions");
        (aborted.Number("producerId"), aborted.Number("firstOffset")).ShouldBe((lost.ProducerId, 0));
    }

    [Fact]
    public async Task A_waiting_reader_of_committed_data_is_woken_by_the_end_of_the_transaction()
    {
        await using var topic = await Topic.CreateAsync();
        await using var transaction = await Transaction.CreateAsync();
        await transaction.WriteAsync(topic, 0, "a");
        await using var reader = await WireConnection.OpenAsync();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await reader.SendAsync(Api.Fetch, 11, topic.FetchRequest(0, maxWaitMs: 40_000, committed: true));
        (await transaction.EndAsync(commit: true)).ShouldBe(Code.None);
        Batch.Read((await reader.AnswerAsync()).Partition.Bytes("records")).ShouldNotBeEmpty();
        watch.Elapsed.TotalSeconds.ShouldBeLessThan(35);
    }

    private static async Task<long[]> FirstOffsetsAsync(Topic topic, long offset) =>
        [.. (await topic.FetchAsync(offset, committed: true)).List("abortedTransactions").Select(a => a.Number("firstOffset")).Order()];
}
