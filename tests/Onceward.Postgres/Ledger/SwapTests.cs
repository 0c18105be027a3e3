using Npgsql;
using Onceward.Handling;
using Onceward.Intake;
using Onceward.Lanes;
using Onceward.Ledger;
using Onceward.TestSupport;

namespace Onceward.Postgres.Ledger;

public sealed class SwapTests
{
    [Fact]
    public async Task It_moves_a_row_from_where_it_was_believed_to_be_and_keeps_the_last_record_as_anchor()
    {
        await using var lane = await TestLane.CreateAsync();
        var segment = Of(lane.Claim(0), 0, 4);
        (await SwapAsync(lane, [segment])).ShouldBe([segment.Key]);
        (await lane.NextOffsetAsync(0)).ShouldBe(5);
        (await lane.Database.ScalarAsync<long>("SELECT anchor_offset FROM onceward.consumer_offset")).ShouldBe(4);
        (await lane.Database.ScalarAsync<int>("SELECT anchor_leader_epoch FROM onceward.consumer_offset")).ShouldBe(3);
        (await lane.Database.ScalarAsync<long>("SELECT anchor_hash FROM onceward.consumer_offset")).ShouldBe(OffsetStore.RecordHash(segment.Last!));
    }

    [Theory]
    [InlineData("UPDATE onceward.consumer_offset SET next_offset = 1")]
    [InlineData("UPDATE onceward.consumer_offset SET epoch = epoch + 1")]
    [InlineData("UPDATE onceward.consumer_offset SET state = 'stopped'")]
    [InlineData("DELETE FROM onceward.consumer_offset")]
    public async Task A_row_that_is_not_as_believed_is_missed_and_queues_nothing(string change)
    {
        await using var lane = await TestLane.CreateAsync();
        var segment = Of(lane.Claim(0), 0);
        await lane.Database.ExecuteAsync(change);
        (await SwapAsync(lane, [segment], Message(lane, 0, "m"))).ShouldBeEmpty();
        (await lane.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.outbox")).ShouldBe(0);
    }

    [Fact]
    public async Task Of_several_partitions_exactly_the_missing_one_is_not_returned()
    {
        await using var lane = await TestLane.CreateAsync();
        var segments = Enumerable.Range(0, 4).Select(p => Of(lane.Claim(p), 0)).ToArray();
        lane.Steal(2);
        (await SwapAsync(lane, segments)).Select(k => k.Partition).Order().ShouldBe([0, 1, 3]);
    }

    [Fact]
    public async Task A_segment_without_records_moves_the_row_and_keeps_the_anchor()
    {
        await using var lane = await TestLane.CreateAsync();
        var claim = lane.Claim(0);
        await SwapAsync(lane, [Of(claim, 0, 1)]);
        claim.Position = 2;
        (await SwapAsync(lane, [new Segment(claim, [], 6)])).Count.ShouldBe(1);
        (await lane.NextOffsetAsync(0)).ShouldBe(6);
        (await lane.Database.ScalarAsync<long>("SELECT anchor_offset FROM onceward.consumer_offset")).ShouldBe(1);
    }

    [Fact]
    public async Task Numbers_of_a_channel_are_dense_and_in_the_order_of_the_messages_across_partitions_and_batches()
    {
        await using var lane = await TestLane.CreateAsync();
        Claim[] claims = [lane.Claim(0), lane.Claim(1), lane.Claim(2)];
        for (var batch = 0; batch < 3; batch++)
        {
            var segments = Array.ConvertAll(claims, c => Of(c, batch));
            // Interleaved: a handler may publish for its partitions in any order. Partition 2 publishes in the second batch only.
            var messages = Enumerable.Range(0, 6).Select(i => Message(lane, i % 2, $"{batch}.{i}")).ToList();
            if (batch == 1)
                messages.Insert(3, Message(lane, 2, "once"));
            (await SwapAsync(lane, segments, [.. messages])).Count.ShouldBe(3);
            foreach (var claim in claims)
                claim.Position = batch + 1;
        }
        (await ChannelAsync(lane, 0)).ShouldBe(["0 0.0", "1 0.2", "2 0.4", "3 1.0", "4 1.2", "5 1.4", "6 2.0", "7 2.2", "8 2.4"]);
        (await ChannelAsync(lane, 1)).ShouldBe(["0 0.1", "1 0.3", "2 0.5", "3 1.1", "4 1.3", "5 1.5", "6 2.1", "7 2.3", "8 2.5"]);
        (await ChannelAsync(lane, 2)).ShouldBe(["0 once"]);
        (await lane.Database.ColumnAsync<long>("SELECT next_out_seq FROM onceward.consumer_offset ORDER BY partition")).ShouldBe([9, 9, 1]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_two_swaps_from_the_same_position_one_waits_for_the_other_and_wins_only_if_that_one_rolls_back(bool firstCommits)
    {
        await using var lane = await TestLane.CreateAsync();
        var claim = lane.Claim(0);
        await using var first = await lane.Database.Source.OpenConnectionAsync();
        await using var transaction = await first.BeginTransactionAsync();
        (await SwapAsync(first, [Of(claim, 0, 1)], [Message(lane, 0, "first")])).Count.ShouldBe(1);

        await using var second = await lane.Database.Source.OpenConnectionAsync();
        var waiting = SwapAsync(second, [Of(claim, 0)], [Message(lane, 0, "second")]);
        await Eventually.HoldsAsync("the second waits for the row", async () =>
            await lane.Database.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE pid = {second.ProcessID} AND wait_event_type = 'Lock'") == 1);
        waiting.IsCompleted.ShouldBeFalse();
        await (firstCommits ? transaction.CommitAsync() : transaction.RollbackAsync());

        (await waiting).Count.ShouldBe(firstCommits ? 0 : 1);
        (await ChannelAsync(lane, 0)).ShouldBe([firstCommits ? "0 first" : "0 second"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(firstCommits ? 2 : 1);
    }

    [Fact]
    public async Task What_the_rows_say_is_read_for_the_partitions_asked_and_no_others()
    {
        await using var lane = await TestLane.CreateAsync();
        var (claim, other) = (lane.Claim(0), lane.Claim(1));
        lane.Steal(1);
        var rows = await OffsetStore.ReadAsync(lane.Database.Source, [claim.Key, new PartitionKey(lane.Subscription.Id, 9)], default);
        rows.ShouldHaveSingleItem().Value.ShouldBe(new OffsetRow(claim.Key, 0, claim.Epoch, IsRunning: true));
        (await OffsetStore.ReadAsync(lane.Database.Source, [other.Key], default))[other.Key].Epoch.Value.ShouldBe(other.Epoch.Value + 1);
    }

    private static Segment Of(Claim claim, params long[] offsets) =>
        new(claim, [.. offsets.Select(o => TestRecord.At(claim.Partition, o, $"v{o}"))], offsets[^1] + 1);

    private static OutgoingMessage Message(TestLane lane, int partition, string value) =>
        new(lane.Subscription.Id, partition, "out", null, System.Text.Encoding.UTF8.GetBytes(value), []);

    private static Task<List<string>> ChannelAsync(TestLane lane, int partition) => lane.Database.ColumnAsync<string>(
        $"SELECT seq || ' ' || convert_from(value, 'utf8') FROM onceward.outbox JOIN onceward.consumer_offset USING (channel_id) WHERE partition = {partition} ORDER BY seq");

    private static async Task<List<PartitionKey>> SwapAsync(TestLane lane, Segment[] segments, params OutgoingMessage[] messages)
    {
        await using var connection = await lane.Database.Source.OpenConnectionAsync();
        return await SwapAsync(connection, segments, messages);
    }

    private static async Task<List<PartitionKey>> SwapAsync(NpgsqlConnection connection, Segment[] segments, OutgoingMessage[] messages)
    {
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { OffsetStore.Swap(segments, messages) } };
        await using var reader = await batch.ExecuteReaderAsync();
        var moved = new List<PartitionKey>();
        while (await reader.ReadAsync())
            moved.Add(new PartitionKey(reader.GetInt32(0), reader.GetInt32(1)));
        return moved;
    }
}
