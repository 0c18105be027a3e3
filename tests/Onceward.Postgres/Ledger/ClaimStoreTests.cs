using Npgsql;
using Onceward.Ledger;

namespace Onceward.Postgres.Ledger;

public sealed class ClaimStoreTests
{
    [Fact]
    public async Task A_claim_bumps_the_epoch_and_returns_where_to_begin()
    {
        await using var lane = await TestLane.CreateAsync();
        var (store, key) = (Store(lane), Key(lane, 0));
        (await InsertAsync(store, (key, 17))).ShouldBe([key]);
        (await ClaimAsync(store, key)).Claimed.ShouldBe([new OffsetRow(key, 17, new Epoch(1), IsRunning: true)]);
        (await ClaimAsync(store, key)).Claimed.ShouldBe([new OffsetRow(key, 17, new Epoch(2), IsRunning: true)]);
        (await lane.Database.ScalarAsync<string>("SELECT owner FROM onceward.consumer_offset")).ShouldBe("me");
    }

    [Fact]
    public async Task A_claim_returns_the_record_that_was_applied_last()
    {
        await using var lane = await TestLane.CreateAsync();
        var claim = lane.Claim(0, "a", "b");
        await lane.DrainAsync();
        var row = (await ClaimAsync(Store(lane), claim.Key)).Claimed.Single();
        row.NextOffset.ShouldBe(2);
        row.Anchor!.Value.Is(Onceward.TestSupport.TestRecord.At(claim.Partition, 1, "b", "key-b")).ShouldBeTrue();
        row.Anchor!.Value.Is(Onceward.TestSupport.TestRecord.At(claim.Partition, 1, "c", "key-b")).ShouldBeFalse();
    }

    [Fact]
    public async Task A_stopped_partition_is_claimed_and_says_so()
    {
        await using var lane = await TestLane.CreateAsync();
        await InsertAsync(Store(lane), (Key(lane, 0), 0));
        await lane.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET state = 'stopped'");
        (await ClaimAsync(Store(lane), Key(lane, 0))).Claimed.Single().IsRunning.ShouldBeFalse();
    }

    [Fact]
    public async Task A_claim_ends_what_was_noted_about_a_partition_that_blocked_its_former_owner()
    {
        await using var lane = await TestLane.CreateAsync();
        await InsertAsync(Store(lane), (Key(lane, 0), 0), (Key(lane, 1), 0));
        await lane.Database.ExecuteAsync($"""
            INSERT INTO onceward.incident (subscription_id, partition, kind)
            SELECT {Key(lane, 0).Subscription}, partition, kind FROM (VALUES (0, 'partition_blocked'), (0, 'records_lost'), (1, 'partition_blocked')) AS i (partition, kind)
            """);
        await ClaimAsync(Store(lane), Key(lane, 0));
        (await lane.Database.ColumnAsync<string>("SELECT partition || ' ' || kind FROM onceward.incident WHERE resolved_by IS NULL ORDER BY 1")).ShouldBe(["0 records_lost", "1 partition_blocked"]);
    }

    [Fact]
    public async Task A_row_that_a_transaction_holds_is_skipped_and_read_as_it_was_committed()
    {
        await using var lane = await TestLane.CreateAsync();
        var (store, held, free, absent) = (Store(lane), Key(lane, 0), Key(lane, 1), Key(lane, 2));
        await InsertAsync(store, (held, 0), (free, 0));
        await using var connection = await lane.Database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var hold = new NpgsqlCommand("UPDATE onceward.consumer_offset SET next_offset = 1 WHERE partition = 0", connection);
        await hold.ExecuteNonQueryAsync();

        var answer = await ClaimAsync(store, held, free, absent);
        answer.Claimed.Select(r => r.Key).ShouldBe([free]);
        answer.Held.ShouldBe([new OffsetRow(held, 0, new Epoch(0), IsRunning: true)]);
        answer.Absent.ShouldBe([absent]);

        await transaction.CommitAsync();
        (await ClaimAsync(store, held)).Claimed.Single().NextOffset.ShouldBe(1);
    }

    [Fact]
    public async Task A_claim_says_which_subscriptions_have_parked_keys()
    {
        await using var lane = await TestLane.CreateAsync();
        var claim = lane.Claim(0, "a", "b");
        (await ClaimAsync(Store(lane), claim.Key)).Occupied.ShouldBeEmpty();
        await lane.Database.ExecuteAsync($"""
            INSERT INTO onceward.parked_key (subscription_id, key_id, state, attempts, next_attempt_at, reason, last_error)
            VALUES ({claim.Key.Subscription}, sha256('k'), 'waiting', 1, now(), 'failed', 'failed')
            """);
        (await ClaimAsync(Store(lane), claim.Key, claim.Key with { Subscription = 4711 })).Occupied.ShouldBe([claim.Key.Subscription]);
    }

    [Fact]
    public async Task Inserting_again_leaves_the_row_and_its_channel()
    {
        await using var lane = await TestLane.CreateAsync();
        var (store, key) = (Store(lane), Key(lane, 0));
        await InsertAsync(store, (key, 5));
        await ClaimAsync(store, key);
        (await InsertAsync(store, (key, 99))).ShouldBeEmpty();
        (await ClaimAsync(store, key)).Claimed.Single().ShouldBe(new OffsetRow(key, 5, new Epoch(2), IsRunning: true));
        (await lane.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.outbox_channel")).ShouldBe(1);
    }

    [Fact]
    public async Task Many_may_insert_the_same_partitions_at_once()
    {
        await using var lane = await TestLane.CreateAsync();
        var keys = Enumerable.Range(0, 20).Select(p => Key(lane, p)).ToArray();
        var written = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() =>
            InsertAsync(Store(lane), [.. (i % 2 == 0 ? keys : keys.Reverse()).Select(k => (k, (long)i))]))));
        written.Sum(w => w.Count).ShouldBe(20, "each row is somebody's");
        (await lane.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.consumer_offset")).ShouldBe(20);
        (await lane.Database.ScalarAsync<long>("SELECT count(DISTINCT channel_id) FROM onceward.consumer_offset")).ShouldBe(20);
    }

    [Fact]
    public async Task A_subscription_has_started_once_it_has_a_row()
    {
        await using var lane = await TestLane.CreateAsync();
        (await Store(lane).StartedAsync([lane.Subscription.Id], default)).ShouldBeEmpty();
        await InsertAsync(Store(lane), (Key(lane, 3), 0));
        (await Store(lane).StartedAsync([lane.Subscription.Id, 4711], default)).ShouldBe([lane.Subscription.Id]);
    }

    private static ClaimStore Store(TestLane lane) => new(lane.Database.Source, "me");

    private static PartitionKey Key(TestLane lane, int partition) => new(lane.Subscription.Id, partition);

    private static Task<ClaimAnswer> ClaimAsync(ClaimStore store, params PartitionKey[] keys) => store.ClaimAsync(keys, default);

    private static Task<IReadOnlyList<PartitionKey>> InsertAsync(ClaimStore store, params (PartitionKey, long)[] rows) => store.InsertAsync("cluster", "app", rows, default);
}
