using Confluent.Kafka.Admin;
using Onceward.Hosting;
using Onceward.TestSupport;
using Shouldly;

namespace Onceward.Kafka;

/// <summary>A database, an input, an output, and workers of one application.</summary>
internal sealed class Scene(TestDatabase database, TestTopic input, TestTopic output) : IAsyncDisposable
{
    public TestDatabase Database => database;

    public TestTopic Input => input;

    public TestTopic Output => output;

    public string Application { get; } = $"app-{Guid.NewGuid():N}";

    public static async Task<Scene> CreateAsync(int partitions = 4)
    {
        var scene = new Scene(
            await TestDatabase.CreateAsync(Effects.CreateTables), await TestTopic.CreateAsync("in", partitions), await TestTopic.CreateAsync("out", 2));
        DepositBatchHandler.Output = DepositHandler.Output = scene.Output.Name;
        return scene;
    }

    /// <summary>A worker of the scene; by default one that applies deposits set by set.</summary>
    public Task<TestWorker> StartAsync(Action<WorkerBuilder>? worker = null, Action<OncewardOptions>? configure = null) => TestWorker.StartAsync(
        database.ConnectionString, Application, o => o.AddWorker("sums", worker ?? (w => Sums(w))), configure);

    /// <summary>The input, applied set by set.</summary>
    public SubscriptionBuilder Sums(WorkerBuilder worker) => worker.From(input.Name).HandleBatch<Deposit, DepositBatchHandler>();

    public Task AppliedAsync(int count) => Eventually.HoldsAsync(
        $"{count} effects", async () => await database.ScalarAsync<long>("SELECT count(*) FROM effect") >= count);

    public async Task PublishedAsync(int count)
    {
        await Eventually.HoldsAsync($"{count} messages", () => output.ReadCommitted().Count >= count);
        var messages = output.ReadCommitted();
        messages.Count.ShouldBe(count);
        foreach (var key in messages.GroupBy(m => m.Message.Key))
            key.Select(m => int.Parse(System.Text.Encoding.UTF8.GetString(m.Message.Value).Split(':')[1].Trim('"'))).ShouldBeInOrder();
    }

    public Task IncidentAsync(string kind) => Eventually.HoldsAsync(
        $"an incident {kind}", async () =>
            await database.ScalarAsync<bool>("SELECT to_regclass('onceward.incident') IS NOT NULL")
            && await database.ScalarAsync<long>($"SELECT count(*) FROM onceward.incident WHERE kind = '{kind}'") > 0);

    /// <summary>The partitions whose state the ledger says is stopped.</summary>
    public Task<List<int>> StoppedAsync() => database.ColumnAsync<int>("SELECT partition FROM onceward.consumer_offset WHERE state = 'stopped' ORDER BY partition");

    /// <summary>Deletes the input topic and creates it again under its name.</summary>
    public async Task RecreateInputAsync(int partitions)
    {
        using var admin = TestTopic.Admin();
        try
        {
            await admin.DeleteTopicsAsync([input.Name]);
        }
        catch (DeleteTopicsException)
        {
            // It is gone already.
        }
        await Eventually.HoldsAsync("the topic can be created again", async () =>
        {
            try
            {
                await admin.CreateTopicsAsync([new TopicSpecification { Name = input.Name, NumPartitions = partitions, ReplicationFactor = 1 }]);
                return true;
            }
            catch (CreateTopicsException)
            {
                return false;
            }
        });
    }

    public ValueTask DisposeAsync() => database.DisposeAsync();
}
