using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Onceward.Crash;
using Onceward.Diagnostics;
using Onceward.EntityFrameworkCore;
using Onceward.Hosting;
using Onceward.TestSupport;

// A worker in a process of its own, so that a test can kill or freeze it. It reports "reached" on its output when it has come to the named
// waypoint for the n-th time, and stays there until a line arrives on its input.
var plan = CrashPlan.FromEnvironment();
var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
builder.Logging.AddSimpleConsole(o => o.SingleLine = true).SetMinimumLevel(LogLevel.Information);
builder.Services.AddSingleton(_ => NpgsqlDataSource.Create(plan.Database));
builder.Services.AddDbContext<DepositContext>(options => options.UseNpgsql());
var hits = 0;
builder.Services.AddSingleton(new Waypoints
{
    Reached = point =>
    {
        if (point != plan.StopAt || Interlocked.Increment(ref hits) != plan.Hit)
            return ValueTask.CompletedTask;
        Console.WriteLine(CrashPlan.ReachedLine);
        Console.Out.Flush();
        return new ValueTask(Task.Run(Console.In.ReadLine));
    },
});
DepositBatchHandler.Output = DepositHandler.Output = EntityDepositHandler.Output = plan.Output;
DepositBatchHandler.LocksBalances = plan.LocksBalances;
var onceward = builder.Services.AddOnceward(o =>
{
    o.BootstrapServers = plan.Kafka;
    o.Application = plan.Application;
    o.Relay.Enabled = plan.RunsRelay;
    o.Relay.Slots = 1;
    o.Relay.MaxRows = 100;
});
if (plan.RunsWorker)
    onceward.AddWorker("crash", w => Handle(w.From(plan.Input)).Configure(o =>
    {
        o.SessionTimeout = CrashPlan.SessionTimeout;
        // A second lane could be frozen with the offset rows of its partitions locked, in the run where no time-out frees them.
        o.Lanes.Count = plan.LocksBalances ? 2 : 1;
        o.Lanes.MaxRecords = 200;
        // Where a frozen worker holds locks, the server must end it before the successor can go on; where it holds none, only the swap fences it.
        o.Lanes.IdleInTransactionTimeout = plan.LocksBalances ? TimeSpan.FromSeconds(4) : TimeSpan.FromMinutes(5);
    }));
await builder.Build().RunAsync();

SubscriptionBuilder Handle(SubscriptionBuilder topic) => plan.Handling switch
{
    Handling.Records => topic.Handle<Deposit, DepositHandler>(),
    Handling.Entities => topic.HandleEntities<Deposit, DepositContext, EntityDepositHandler>(),
    Handling.Blocked => topic.Handle<Deposit, BlockedDepositHandler>().Retry(r => r.Attempts(10_000).Backoff(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(100))),
    _ => topic.HandleBatch<Deposit, DepositBatchHandler>(),
};
