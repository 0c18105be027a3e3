using Npgsql;
using Onceward.Ledger;
using Onceward.TestSupport;

namespace Onceward.Postgres.Ledger;

public sealed class FrozenOwnerTests
{
    [Fact]
    public async Task The_session_that_holds_the_row_is_ended_and_the_row_is_as_before()
    {
        await using var lane = await TestLane.CreateAsync();
        var claim = lane.Claim(0);
        await using var holder = await HoldAsync(lane.Database.ConnectionString);
        var ended = await EndAsync(lane, claim.Key);
        ended.ShouldBe([holder.ProcessID]);
        (await new ClaimStore(lane.Database.Source, "me").ClaimAsync([claim.Key], default)).Claimed.Single().NextOffset.ShouldBe(0);
        (await lane.Database.ScalarAsync<string>("SELECT kind || ' ' || (detail->>'pid') || ' ' || resolved_by FROM onceward.incident"))
            .ShouldBe($"frozen_owner_ended {holder.ProcessID} automatic");
    }

    [Fact]
    public async Task A_session_of_another_role_is_named_and_not_ended()
    {
        await using var lane = await TestLane.CreateAsync();
        var claim = lane.Claim(0);
        var role = $"worker_{Guid.NewGuid():N}";
        await lane.Database.ExecuteAsync($"CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA onceward TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA onceward TO {role}");
        try
        {
            await using var holder = await HoldAsync(lane.Database.ConnectionString);
            await using (var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(lane.Database.ConnectionString) { Username = role, Password = "x" }))
                (await new FrozenOwner(source, new IncidentStore(source)).EndAsync(claim.Key, default)).ShouldBeEmpty();
            (await lane.Database.ScalarAsync<string>("SELECT kind || ' ' || (detail->>'pid') FROM onceward.incident WHERE resolved_by IS NULL")).ShouldBe($"row_held {holder.ProcessID}");
            (await lane.Database.ScalarAsync<bool>($"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {holder.ProcessID})")).ShouldBeTrue();
        }
        finally
        {
            await lane.Database.ExecuteAsync($"DROP OWNED BY {role}; DROP ROLE {role}");
        }
    }

    [Fact]
    public async Task Where_nobody_holds_the_row_nothing_is_ended()
    {
        await using var lane = await TestLane.CreateAsync();
        var claim = lane.Claim(0);
        (await EndAsync(lane, claim.Key)).ShouldBeEmpty();
        (await lane.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.incident")).ShouldBe(0);
    }

    [Fact]
    public async Task A_session_that_stopped_in_the_middle_of_a_statement_does_not_hold_a_batch_for_ever()
    {
        await using var lane = await TestLane.CreateAsync(
            sql: "CREATE TABLE tally (n int); INSERT INTO tally VALUES (0);",
            lanes: l => (l.LockTimeout, l.IdleInTransactionTimeout) = (TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1)));
        lane.Script.Each = async (value, context, _) =>
        {
            await context.ExecuteEffectAsync(value);
            await using var add = new NpgsqlCommand("UPDATE tally SET n = n + 1", context.Connection, context.Transaction);
            await add.ExecuteNonQueryAsync(CancellationToken.None);
        };
        await using var proxy = new TcpProxy(lane.Database.ConnectionString);
        await using var frozen = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(proxy.ConnectionString) { Pooling = false }.ConnectionString);
        await frozen.OpenAsync();
        var pid = frozen.ProcessID;
        await using (var hold = new NpgsqlCommand("BEGIN; SET idle_in_transaction_session_timeout = '1s'; SET statement_timeout = '1s'; UPDATE tally SET n = 1000", frozen))
            await hold.ExecuteNonQueryAsync();
        proxy.HalveNext();
        var half = new NpgsqlCommand("SELECT 1", frozen).ExecuteScalarAsync();
        lane.Claim(0, "a", "b");
        await lane.DrainBatchesAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:a", "1:b"]);
        (await lane.Database.ScalarAsync<int>("SELECT n FROM tally")).ShouldBe(2);
        (await lane.Database.ScalarAsync<string>("SELECT kind || ' ' || (detail->>'pid') || ' ' || resolved_by FROM onceward.incident"))
            .ShouldBe($"frozen_owner_ended {pid} automatic");
        (await Should.ThrowAsync<NpgsqlException>(() => half)).ShouldNotBeNull();
    }

    private static Task<IReadOnlyList<int>> EndAsync(TestLane lane, PartitionKey key) =>
        new FrozenOwner(lane.Database.Source, new IncidentStore(lane.Database.Source)).EndAsync(key, default);

    /// <summary>A session with an open transaction that has moved partition 0.</summary>
    private static async Task<NpgsqlConnection> HoldAsync(string connectionString)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var hold = new NpgsqlCommand("BEGIN; UPDATE onceward.consumer_offset SET next_offset = 9 WHERE partition = 0", connection);
        await hold.ExecuteNonQueryAsync();
        return connection;
    }
}
