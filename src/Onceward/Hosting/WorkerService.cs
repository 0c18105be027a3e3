using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Onceward.Handling;
using Onceward.Intake;
using Onceward.Lanes;
using Onceward.Ledger;
using Onceward.Redrive;

namespace Onceward.Hosting;

/// <summary>Runs one worker: waits for broker and database, then one poll thread and a few lanes, until the host stops.</summary>
/// <remarks>
/// <b>Shutdown:</b> lanes begin nothing new and finish what is open; what is not done by <see cref="WorkerOptions.ShutdownTimeout"/> is rolled
/// back; then the member leaves the group, so that others go on at once.
/// </remarks>
internal sealed partial class WorkerService(
    WorkerDefinition definition, WorkerOptions options, IOptions<OncewardOptions> shared, IServiceProvider services, ILoggerFactory loggers) : BackgroundService
{
    private static readonly Backoff s_retry = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(5));

    private readonly ILogger _logger = loggers.CreateLogger<WorkerService>();
    private readonly NpgsqlDataSource _database = services.GetRequiredService<NpgsqlDataSource>();
    private readonly Cluster _cluster = services.GetRequiredService<Cluster>();
    private readonly TimeProvider _time = services.GetRequiredService<TimeProvider>();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var serdes = services.GetRequiredService<ISerdes>();
        var subscriptions = definition.Subscriptions.Select(s => s.Create(serdes)).ToDictionary(s => s.Topic);
        var config = ConsumerSettings.Build(shared.Value, definition.Name, options);
        if (await PrepareAsync(subscriptions, stoppingToken).ConfigureAwait(false) is not { } clusterId)
            return;

        using var aborting = new CancellationTokenSource();
        var lanes = new List<Lane>();
        var owner = $"{Environment.MachineName}/{Environment.ProcessId}";
        var claimer = new Claimer(_cluster, clusterId, shared.Value.Application, new ClaimStore(_database, owner), subscriptions);
        var loop = new ConsumerLoop(definition.Name, config, claimer, subscriptions, lanes, options, _time, loggers.CreateLogger<ConsumerLoop>())
        {
            Stopped = NoteStopped,
        };
        var pipelines = new Pipelines(definition.Name, options, shared.Value, services, loggers);
        for (var i = 0; i < options.Lanes.Count; i++)
            lanes.Add(pipelines.CreateLane(i, loop.Fence));
        LogStarting(_logger, definition.Name, config.GroupId, lanes.Count);
        var pruning = Task.Run(() => pipelines.CreatePruner(subscriptions.Values).RunAsync(stoppingToken), CancellationToken.None);
        await RunAsync(loop, lanes, pipelines.CreateRedrive(subscriptions.Values), aborting, stoppingToken).ConfigureAwait(false);
        await pruning.ConfigureAwait(false);
        LogStopped(_logger, definition.Name);
    }

    private async Task RunAsync(ConsumerLoop loop, List<Lane> lanes, RedriveLoop redrive, CancellationTokenSource aborting, CancellationToken stoppingToken)
    {
        var working = Task.WhenAll(lanes.Select(lane => Task.Run(() => lane.RunAsync(stoppingToken, aborting.Token), CancellationToken.None)));
        var redriving = Task.Run(() => redrive.RunAsync(stoppingToken, aborting.Token), CancellationToken.None);
        var polling = Task.Factory.StartNew(
            () => loop.Run(working, stoppingToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await Task.Delay(Timeout.InfiniteTimeSpan, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        aborting.CancelAfter(options.ShutdownTimeout);
        await polling.ConfigureAwait(false);
        await redriving.ConfigureAwait(false);
        await redrive.DisposeAsync().ConfigureAwait(false);
        foreach (var lane in lanes)
            await lane.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Waits for database, broker and topics. Returns the cluster's id, or nothing if the host stops before they are there.</summary>
    private async Task<string?> PrepareAsync(Dictionary<string, Subscription> subscriptions, CancellationToken stoppingToken)
    {
        var random = new Random();
        for (var failures = 0; !stoppingToken.IsCancellationRequested;)
        {
            try
            {
                await services.GetRequiredService<LedgerSchema>().EnsureAsync(stoppingToken).ConfigureAwait(false);
                var clusterId = await _cluster.IdAsync(stoppingToken).ConfigureAwait(false);
                var topics = await _cluster.TopicsAsync(subscriptions.Keys, stoppingToken).ConfigureAwait(false);
                var store = new SubscriptionStore(_database);
                foreach (var subscription in subscriptions.Values)
                    subscription.Id = await store.EnsureAsync(
                        clusterId, definition.Name, subscription.Topic, topics[subscription.Topic].TopicId.ToString(), stoppingToken).ConfigureAwait(false);
                return clusterId;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            // The loop boundary: what is not there yet may come. A ledger or a topic that is not the one we know ends the host.
            catch (Exception e) when (e is not OncewardException { IsTransient: false })
            {
                var pause = s_retry.After(++failures, random);
                LogNotReady(_logger, e, definition.Name, pause.TotalSeconds);
                await Task.Delay(pause, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        return null;
    }

    private void NoteStopped(Claim claim, string reason)
    {
        var detail = System.Text.Json.JsonSerializer.Serialize(reason, Handling.StringJson.Default.String);
        var note = new IncidentStore(_database).NoteAsync(
            IncidentStore.OffsetOutOfRange, claim.Key, claim.Position, $"{{\"reason\":{detail}}}", CancellationToken.None);
        // The poll thread must not wait for a database that may be down; the partition is stopped either way and the log has it.
        _ = note.ContinueWith(t => LogNotReady(_logger, t.Exception!, definition.Name, 0), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    [LoggerMessage(EventIds.WorkerStarting, LogLevel.Information, "Worker {Worker} starts as a member of {Group} with {Lanes} lanes")]
    private static partial void LogStarting(ILogger logger, string worker, string group, int lanes);

    [LoggerMessage(EventIds.WorkerStopped, LogLevel.Information, "Worker {Worker} has stopped")]
    private static partial void LogStopped(ILogger logger, string worker);

    [LoggerMessage(EventIds.WorkerNotReady, LogLevel.Warning, "Worker {Worker} cannot start yet; trying again in {Pause:0.0} s")]
    private static partial void LogNotReady(ILogger logger, Exception exception, string worker, double pause);
}
