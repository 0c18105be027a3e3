using System.Text;
using Onceward.Diagnostics;
using Onceward.TestSupport;
using Shouldly;

namespace Onceward.Crash;

/// <summary>A database, an input, an output, and the children that work on them.</summary>
internal sealed class CrashScene(TestDatabase database, TestTopic input, TestTopic output, string application, bool withBalances, Handling handling) : IAsyncDisposable
{
    public const int Partitions = 4;

    private int _produced;

    public TestDatabase Database => database;

    /// <param name="records">What is in the input from the start.</param>
    /// <param name="withBalances">Whether rows are locked that a successor needs too.</param>
    /// <param name="handling">How the children apply records.</param>
    public static async Task<CrashScene> CreateAsync(int records = 4000, bool withBalances = true, Handling handling = Handling.Sets)
    {
        var scene = new CrashScene(
            await TestDatabase.CreateAsync(Effects.CreateTables + "CREATE TABLE blocked (since timestamptz)"), await TestTopic.CreateAsync("crash-in", Partitions),
            await TestTopic.CreateAsync("crash-out", 2), $"crash-{Guid.NewGuid():N}", withBalances, handling);
        scene.Produce(records);
        return scene;
    }

    /// <summary>More records, behind those that are there.</summary>
    public void Produce(int more)
    {
        input.Produce(Effects.Records(Partitions, _produced + more).Skip(_produced));
        _produced += more;
    }

    /// <param name="worker">Whether it applies records.</param>
    /// <param name="relay">Whether it publishes.</param>
    /// <param name="stopAt">Where it stops and waits to be killed.</param>
    /// <param name="hit">The how manieth time.</param>
    /// <param name="through">Its way to the database.</param>
    public ChildWorker Start(bool worker = true, bool relay = true, Waypoint? stopAt = null, int hit = 1, TcpProxy? through = null) => ChildWorker.Start(new CrashPlan(
        through is null ? database.ConnectionString : through.ConnectionString, TestServers.Kafka, application, input.Name, output.Name, worker, relay, withBalances,
        stopAt, hit, handling));

    public async Task<long> EpochsAsync() => await database.ScalarAsync<long>("SELECT coalesce(sum(epoch), 0)::bigint FROM onceward.consumer_offset");

    /// <summary>Both have partitions.</summary>
    public Task SharedAsync(ChildWorker one, ChildWorker other) => Eventually.HoldsAsync(
        $"two workers share the partitions; they wrote:\n{one.Output}\n---\n{other.Output}",
        async () => await database.ScalarAsync<long>("SELECT count(DISTINCT owner) FROM onceward.consumer_offset") == 2, seconds: 60);

    public Task AppliedAsync(ChildWorker by, int? count = null) => Eventually.HoldsAsync(
        $"{count ?? _produced} records are applied; the child wrote:\n{by.Output}",
        async () => await database.ScalarAsync<long>("SELECT count(*) FROM effect") >= (count ?? _produced), seconds: 120);

    /// <summary>All is applied and published, each once and in the order of its key.</summary>
    public async Task ShouldEndExactAsync(ChildWorker by)
    {
        await AppliedAsync(by);
        await Eventually.HoldsAsync($"all is published; the child wrote:\n{by.Output}", () => output.ReadCommitted().Count >= _produced, seconds: 45);
        await Effects.ShouldBeExactAsync(database, _produced, withBalances, inPartitions: handling != Handling.Blocked);
        (await database.ScalarAsync<long>("SELECT (SELECT count(*) FROM onceward.parked_record) + (SELECT count(*) FROM onceward.dead_letter)")).ShouldBe(0);
        var messages = output.ReadCommitted();
        messages.Count.ShouldBe(_produced);
        messages.Select(m => Encoding.UTF8.GetString(m.Message.Value)).Distinct().Count().ShouldBe(_produced);
        foreach (var key in messages.GroupBy(m => m.Message.Key))
            key.Select(m => int.Parse(Encoding.UTF8.GetString(m.Message.Value).Split(':')[1].Trim('"'))).ShouldBeInOrder();
    }

    public ValueTask DisposeAsync() => database.DisposeAsync();
}
