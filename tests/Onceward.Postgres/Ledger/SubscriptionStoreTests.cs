using Onceward.Ledger;
using Onceward.TestSupport;

namespace Onceward.Postgres.Ledger;

public sealed class SubscriptionStoreTests
{
    [Fact]
    public async Task The_same_topic_of_the_same_worker_has_one_id_and_another_worker_or_cluster_another()
    {
        await using var database = await InstallAsync();
        var store = new SubscriptionStore(database.Source);
        var id = await store.EnsureAsync("c", "w", "t", "id-1", default);
        (await store.EnsureAsync("c", "w", "t", "id-1", default)).ShouldBe(id);
        int[] ids = [id, await store.EnsureAsync("c", "w2", "t", "id-1", default), await store.EnsureAsync("c2", "w", "t", "id-1", default)];
        ids.ShouldBeUnique();
    }

    [Fact]
    public async Task Eight_processes_that_start_at_once_get_the_same_id()
    {
        await using var database = await InstallAsync();
        var ids = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => new SubscriptionStore(database.Source).EnsureAsync("c", "w", "t", "id-1", default))));
        ids.Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_topic_that_was_created_anew_is_refused_and_nothing_is_written()
    {
        await using var database = await InstallAsync();
        var store = new SubscriptionStore(database.Source);
        var id = await store.EnsureAsync("c", "w", "t", "id-1", default);
        var error = await Should.ThrowAsync<OncewardException>(() => store.EnsureAsync("c", "w", "t", "id-2", default));
        error.ErrorCode.ShouldBe(ErrorCodes.Topic);
        error.IsTransient.ShouldBeFalse();
        error.Message.ShouldContain("id-1");
        error.Message.ShouldContain("id-2");
        error.Message.ShouldContain($"id {id}");
        (await database.ScalarAsync<long>("SELECT count(*) FROM onceward.subscription")).ShouldBe(1);
    }

    private static async Task<TestDatabase> InstallAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await TestLane.InstallAsync(database.Source);
        return database;
    }
}
