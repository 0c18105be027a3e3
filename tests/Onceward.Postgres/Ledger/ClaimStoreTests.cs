using Onceward.Ledger;

namespace Onceward.Postgres.Ledger;

public sealed class ClaimStoreTests
{
    [Fact]
    public async Task A_claim_bumps_the_epoch_and_returns_where_to_begin()
    {
        await using var lane = await TestLane.CreateAsync();
        var (store, key) = (Store(lane), Key(lane, 0));
        store.Insert("cluster", "app", [(key, 17)]);
        store.Claim([key], []).ShouldBe([new OffsetRow(key, 17, new Epoch(1), IsRunning: true)]);
        store.Claim([key], []).ShouldBe([new OffsetRow(key, 17, new Epoch(2), IsRunning: true)]);
        (await lane.Database.ScalarAsync<string>("SELECT owner FROM onceward.consumer_offset")).ShouldBe("me");
    }

    [Fact]
    public async Task A_stopped_partition_is_claimed_and_says_so()
    {
        await using var lane = await TestLane.CreateAsync();
        Store(lane).Insert("cluster", "app", [(Key(lane, 0), 0)]);
        await lane.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET state = 'stopped'");
        Store(lane).Claim([Key(lane, 0)], []).Single().IsRunning.ShouldBeFalse();
    }

    [Fact]
    public async Task A_row_that_a_transaction_holds_is_skipped_and_is_not_absent()
    {
        await using var lane = await TestLane.CreateAsync();
        var (store, held, free, absent) = (Store(lane), Key(lane, 0), Key(lane, 1), Key(lane, 2));
        store.Insert("cluster", "app", [(held, 0), (free, 0)]);
        await using var connection = await lane.Database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var hold = new Npgsql.NpgsqlCommand("UPDATE onceward.consumer_offset SET next_offset = 1 WHERE partition = 0", connection);
        await hold.ExecuteNonQueryAsync();

        var missing = new List<PartitionKey>();
        store.Claim([held, free, absent], missing).Select(r => r.Key).ShouldBe([free]);
        missing.ShouldBe([absent]);

        await transaction.CommitAsync();
        store.Claim([held], []).Single().NextOffset.ShouldBe(1);
    }

    [Fact]
    public async Task Inserting_again_leaves_the_row_and_its_channel()
    {
        await using var lane = await TestLane.CreateAsync();
        var (store, key) = (Store(lane), Key(lane, 0));
        store.Insert("cluster", "app", [(key, 5)]);
        store.Claim([key], []);
        store.Insert("cluster", "app", [(key, 99)]);
        store.Claim([key], []).Single().ShouldBe(new OffsetRow(key, 5, new Epoch(2), IsRunning: true));
        (await lane.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.outbox_channel")).ShouldBe(1);
    }

    [Fact]
    public async Task Many_may_insert_the_same_partitions_at_once()
    {
        await using var lane = await TestLane.CreateAsync();
        var keys = Enumerable.Range(0, 20).Select(p => Key(lane, p)).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() =>
            Store(lane).Insert("cluster", "app", [.. (i % 2 == 0 ? keys : keys.Reverse()).Select(k => (k, (long)i))]))));
        (await lane.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.consumer_offset")).ShouldBe(20);
        (await lane.Database.ScalarAsync<long>("SELECT count(DISTINCT channel_id) FROM onceward.consumer_offset")).ShouldBe(20);
    }

    [Fact]
    public async Task A_subscription_has_started_once_it_has_a_row()
    {
        await using var lane = await TestLane.CreateAsync();
        Store(lane).Started([lane.Subscription.Id]).ShouldBeEmpty();
        Store(lane).Insert("cluster", "app", [(Key(lane, 3), 0)]);
        Store(lane).Started([lane.Subscription.Id, 4711]).ShouldBe([lane.Subscription.Id]);
    }

    private static ClaimStore Store(TestLane lane) => new(lane.Database.Source, "me");

    private static PartitionKey Key(TestLane lane, int partition) => new(lane.Subscription.Id, partition);
}
