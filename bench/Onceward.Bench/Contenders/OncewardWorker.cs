using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Onceward.EntityFrameworkCore;
using Onceward.Hosting;

namespace Onceward.Bench.Contenders;

/// <summary>A worker as an application hosts it, with the defaults of the library but for the relay, since nothing is published.</summary>
internal sealed class OncewardWorker(string name, string description, int batchSize, Action<SubscriptionBuilder> handle) : IContender
{
    public static OncewardWorker SetBased(int batchSize) =>
        new("set-based", "Onceward, set-based handler", batchSize, s => s.HandleBatch<long, SetBasedHandler>());

    /// <summary>The set-based worker without the payloads, where their place on the disk would be too much.</summary>
    public static OncewardWorker Lean(int batchSize) => new("lean", "", batchSize, s => s.HandleBatch<long, LeanHandler>());

    public static OncewardWorker PerRecord(int batchSize) =>
        new("per-record", "Onceward, per-record handler, one staged insert", batchSize, s => s.Handle<long, PerRecordHandler>());

    public static OncewardWorker Entities(int batchSize) =>
        new("ef-core", "Onceward, Entity Framework Core, one entity a record", batchSize, s => s.HandleEntities<long, EffectContext, EntityHandler>());

    public string Name => name;

    public string Description => description;

    public string Setup(int partitions) => "";

    public string Progress => LedgerProgress;

    public const string LedgerProgress = "SELECT coalesce(sum(next_offset), 0)::bigint FROM onceward.consumer_offset";

    public const string EachPosition = "SELECT partition, next_offset FROM onceward.consumer_offset";

    public Task RunAsync(BenchTopic topic, string connectionString, CancellationToken stopping) =>
        RunAsync(topic, connectionString, $"bench-{Guid.NewGuid():N}", stopping);

    /// <param name="topic">What it reads.</param>
    /// <param name="connectionString">The database.</param>
    /// <param name="group">Workers of the same group share the partitions.</param>
    /// <param name="stopping">Ends it in order.</param>
    public async Task RunAsync(BenchTopic topic, string connectionString, string group, CancellationToken stopping)
    {
        using var host = Build(topic, connectionString, group);
        await host.StartAsync(CancellationToken.None);
        await Task.Delay(Timeout.InfiniteTimeSpan, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await host.StopAsync(CancellationToken.None);
    }

    private IHost Build(BenchTopic topic, string connectionString, string group)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddSimpleConsole(o => o.SingleLine = true).SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(_ => new NpgsqlDataSourceBuilder(connectionString) { ConnectionStringBuilder = { MaxAutoPrepare = 50 } }.Build());
        builder.Services.AddDbContext<EffectContext>((services, o) => o.UseNpgsql(services.GetRequiredService<NpgsqlDataSource>()));
        builder.Services
            .AddOnceward(o =>
            {
                o.BootstrapServers = topic.Servers;
                o.GroupIdPrefix = group;
                o.Relay.Enabled = false;
            })
            .UseSerdes(new AmountSerdes())
            .AddWorker("bench", w =>
            {
                w.Configure(o => o.Lanes.MaxRecords = batchSize);
                handle(w.From(topic.Name));
            });
        return builder.Build();
    }
}
