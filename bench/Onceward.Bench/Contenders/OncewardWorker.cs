using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Onceward.Hosting;

namespace Onceward.Bench.Contenders;

/// <summary>A worker as an application hosts it, with the defaults of the library but for the relay, since nothing is published.</summary>
internal sealed class OncewardWorker(string name, string description, int batchSize, Action<SubscriptionBuilder> handle) : IContender
{
    public string Name => name;

    public string Description => description;

    public string Setup(int partitions) => "";

    public string Progress => "SELECT coalesce(sum(next_offset), 0)::bigint FROM onceward.consumer_offset";

    public async Task RunAsync(BenchTopic topic, string connectionString, CancellationToken stopping)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddSimpleConsole(o => o.SingleLine = true).SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(_ => new NpgsqlDataSourceBuilder(connectionString) { ConnectionStringBuilder = { MaxAutoPrepare = 50 } }.Build());
        builder.Services
            .AddOnceward(o =>
            {
                o.BootstrapServers = topic.Servers;
                o.GroupIdPrefix = $"bench-{Guid.NewGuid():N}";
                o.Relay.Enabled = false;
            })
            .UseSerdes(new AmountSerdes())
            .AddWorker("bench", w =>
            {
                w.Configure(o => o.Lanes.MaxRecords = batchSize);
                handle(w.From(topic.Name));
            });
        using var host = builder.Build();
        await host.StartAsync(CancellationToken.None);
        await Task.Delay(Timeout.InfiniteTimeSpan, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await host.StopAsync(CancellationToken.None);
    }
}
