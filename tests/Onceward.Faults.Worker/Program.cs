using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Onceward.Faults;

// A worker or a relay in a process of its own, for the conductor to kill, freeze and cut off. It ends with its standard input, so that it does
// not outlive the conductor.
var plan = WorkerPlan.FromEnvironment();
var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
using var telemetry = new Telemetry();
builder.Logging.AddProvider(telemetry).SetMinimumLevel(LogLevel.Information);
builder.Services.AddSingleton(_ => new NpgsqlDataSourceBuilder(plan.Database) { ConnectionStringBuilder = { MaxAutoPrepare = 50 } }.Build());
builder.Services.AddSingleton(new OutputTopic(plan.Output));
builder.Services.AddSingleton(TimeProvider.System);
var onceward = builder.Services.AddOnceward(o =>
{
    o.BootstrapServers = plan.Kafka;
    o.Application = plan.Application;
    o.Client["client.id"] = plan.Name; // by which the proxies tell whose connection it is
    o.Relay.Enabled = plan.RunsRelay;
    o.Relay.Slots = 4;
    o.Relay.MaxRows = 500;
    o.Relay.SnapshotEvery = 500;
});
if (plan.RunsWorker)
    onceward.AddWorker(WorkerPlan.Worker, w =>
    {
        var topic = w.From(plan.Input).DeadLetterTo(plan.DeadLetters)
            .Retry(r => r.Attempts(20).Backoff(TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(3)));
        topic = plan.RecordByRecord ? topic.Handle<Entry, EntryHandler>() : topic.HandleBatch<Entry, EntryBatchHandler>();
        topic.Configure(o =>
        {
            o.SessionTimeout = WorkerPlan.SessionTimeout;
            o.FrozenOwnerGrace = TimeSpan.FromSeconds(4);
            o.CheckInterval = TimeSpan.FromSeconds(2);
            o.Lanes.Count = 2;
            o.Lanes.MaxRecords = 100;
            o.Lanes.LockTimeout = TimeSpan.FromSeconds(2);
            o.Lanes.StatementTimeout = TimeSpan.FromSeconds(15);
            o.Lanes.IdleInTransactionTimeout = plan.IdleInTransactionTimeout;
        });
    });
using var host = builder.Build();
var running = host.RunAsync();
var orphaned = Task.Run(() =>
{
    while (Console.In.ReadLine() is not null)
    {
        // Nothing is said to it; only the end matters.
    }
});
if (await Task.WhenAny(running, orphaned) == orphaned)
    await host.StopAsync();
await running;
