using Onceward.Ledger;
using Onceward.TestSupport;

namespace Onceward.Postgres.Ledger;

public sealed class SubscriptionStoreTests
{
    [Fact]
    public async Task The_same_topic_of_the_same_worker_has_one_id_and_another_worker_another()
    {
        await using var database = await InstallAsync();
        var store = new SubscriptionStore(database.Source);
        var row = await store.EnsureAsync("c", "w", "t", "id-1", default);
        row.TopicId.ShouldBe("id-1");
        (await store.EnsureAsync("c", "w", "t", "id-1", default)).ShouldBe(row);
        (await store.EnsureAsync("c", "w2", "t", "id-1", default)).Id.ShouldNotBe(row.Id);
    }

    [Fact]
    public async Task Eight_processes_that_start_at_once_get_the_same_id()
    {
        await using var database = await InstallAsync();
        var ids = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => new SubscriptionStore(database.Source).EnsureAsync("c", "w", "t", "id-1", default))));
        ids.Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Of_a_topic_that_was_created_anew_the_former_incarnation_is_returned_and_nothing_is_written()
    {
        await using var database = await InstallAsync();
        var store = new SubscriptionStore(database.Source);
        var row = await store.EnsureAsync("c", "w", "t", "id-1", default);
        (await store.EnsureAsync("c", "w", "t", "id-2", default)).ShouldBe(row);
        (await database.ScalarAsync<long>("SELECT count(*) FROM onceward.subscription")).ShouldBe(1);
    }

    [Fact]
    public async Task A_second_cluster_is_refused_with_the_way_out_unless_it_is_wanted()
    {
        await using var database = await InstallAsync();
        var store = new SubscriptionStore(database.Source);
        var first = await store.EnsureAsync("c1", "w", "t", "id-1", default);
        var error = await Should.ThrowAsync<OncewardException>(() => store.EnsureAsync("c2", "w", "t", "id-1", default));
        error.ErrorCode.ShouldBe(ErrorCodes.Cluster);
        error.IsTransient.ShouldBeFalse();
        error.Message.ShouldContain("c1");
        error.Message.ShouldContain("c2");
        error.Message.ShouldContain("an operator has to set its positions there");
        (await database.ScalarAsync<long>("SELECT count(*) FROM onceward.subscription")).ShouldBe(1);

        var second = await store.EnsureAsync("c2", "w", "t", "id-1", default, severalClusters: true);
        second.Id.ShouldNotBe(first.Id);
        (await store.EnsureAsync("c1", "w", "t", "id-1", default)).ShouldBe(first, "who was there first is not put out");
    }

    [Fact]
    public async Task A_renamed_worker_takes_its_offsets_along_and_fences_the_old_name()
    {
        await using var lane = await TestLane.CreateAsync();
        var claim = lane.Claim(0, "a");
        await lane.DrainAsync();
        var store = new SubscriptionStore(lane.Database.Source);
        var renamed = await store.EnsureAsync("cluster", "new-name", TestLane.Topic, "id-1", default, renamedFrom: "worker");
        renamed.Id.ShouldBe(lane.Subscription.Id);
        (await store.EnsureAsync("cluster", "new-name", TestLane.Topic, "id-1", default, renamedFrom: "worker")).ShouldBe(renamed, "once it has happened nothing happens");

        claim.Add(TestRecord.At(claim.Partition, 1, "b"));
        await lane.StepAsync();
        lane.Fenced.ShouldBe([claim]);
        (await lane.EffectsAsync(0)).ShouldBe(["0:a"]);
        (await lane.Database.ColumnAsync<string>("SELECT kind || ' ' || (detail->>'from') || '>' || (detail->>'to') FROM onceward.incident")).ShouldBe(["worker_renamed worker>new-name"]);
    }

    [Fact]
    public async Task A_process_of_the_old_name_that_starts_once_more_begins_nothing_anew_and_the_name_can_be_taken_back()
    {
        await using var database = await InstallAsync();
        var store = new SubscriptionStore(database.Source);
        var row = await store.EnsureAsync("c", "old", "t", "id-1", default);
        await store.EnsureAsync("c", "new", "t", "id-1", default, renamedFrom: "old");
        var error = await Should.ThrowAsync<OncewardException>(() => store.EnsureAsync("c", "old", "t", "id-1", default));
        error.IsTransient.ShouldBeFalse("the host stops");
        error.Message.ShouldContain("was renamed to 'new'");
        (await database.ScalarAsync<long>("SELECT count(*) FROM onceward.subscription")).ShouldBe(1);
        (await store.EnsureAsync("c", "old", "another", "id-2", default)).Id.ShouldNotBe(row.Id, "a topic that the renamed one never read");
        (await store.EnsureAsync("c", "old", "t", "id-1", default, renamedFrom: "new")).ShouldBe(row);
        (await store.EnsureAsync("c", "old", "t", "id-1", default)).ShouldBe(row);
    }

    [Fact]
    public async Task A_name_that_has_offsets_of_its_own_takes_over_nothing()
    {
        await using var database = await InstallAsync();
        var store = new SubscriptionStore(database.Source);
        var (old, own) = (await store.EnsureAsync("c", "old", "t", "id-1", default), await store.EnsureAsync("c", "new", "t", "id-1", default));
        (await store.EnsureAsync("c", "new", "t", "id-1", default, renamedFrom: "old")).ShouldBe(own);
        (await store.EnsureAsync("c", "old", "t", "id-1", default)).ShouldBe(old);
    }

    [Fact]
    public async Task A_topic_that_grew_is_noted_once()
    {
        await using var database = await InstallAsync();
        var store = new SubscriptionStore(database.Source);
        var (id, _) = await store.EnsureAsync("c", "w", "t", "id-1", default);
        foreach (var partitions in (int[])[4, 4, 6, 6])
            await store.NotePartitionsAsync(id, partitions, default);
        (await database.ColumnAsync<string>("SELECT kind || ' ' || (detail->>'from') || '>' || (detail->>'to') FROM onceward.incident")).ShouldBe(["partitions_grown 4>6"]);
    }

    private static async Task<TestDatabase> InstallAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await TestLane.InstallAsync(database.Source);
        return database;
    }
}
