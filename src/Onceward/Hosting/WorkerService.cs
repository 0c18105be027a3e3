using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Onceward.Diagnostics;
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
        using var levels = new WorkerLevels(definition.Name);
        var loop = CreateLoop(config, clusterId, subscriptions, lanes, levels);
        var pipelines = new Pipelines(definition.Name, options, shared.Value, services, loggers);
        for (var i = 0; i < options.Lanes.Count; i++)
            lanes.Add(pipelines.CreateLane(i, loop.Fence));
        LogStarting(_logger, definition.Name, config.GroupId, lanes.Count);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var pruning = Task.Run(() => pipelines.CreatePruner(subscriptions.Values).RunAsync(stopping.Token), CancellationToken.None);
        try
        {
            await RunAsync(loop, lanes, pipelines.CreateRedrive(subscriptions.Values), aborting, stopping).ConfigureAwait(false);
        }
        finally
        {
            await pruning.ConfigureAwait(false);
        }
        LogStopped(_logger, definition.Name);
    }

    private async Task RunAsync(ConsumerLoop loop, List<Lane> lanes, RedriveLoop redrive, CancellationTokenSource aborting, CancellationTokenSource stopping)
    {
        var working = Task.WhenAll(lanes.Select(lane => Task.Run(() => lane.RunAsync(stopping.Token, aborting.Token), CancellationToken.None)));
        var redriving = Task.Run(() => redrive.RunAsync(stopping.Token, aborting.Token), CancellationToken.None);
        var polling = Task.Factory.StartNew(
            () => loop.Run(working, stopping.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await Task.WhenAny(polling, Task.Delay(Timeout.InfiniteTimeSpan, _time, stopping.Token)).ConfigureAwait(false);
        // The poll thread may have ended by itself: then the others end as on a stop, and the host with its reason.
        await stopping.CancelAsync().ConfigureAwait(false);
        aborting.CancelAfter(options.ShutdownTimeout);
        await polling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await working.ConfigureAwait(false);
        await redriving.ConfigureAwait(false);
        await redrive.DisposeAsync().ConfigureAwait(false);
        foreach (var lane in lanes)
            await lane.DisposeAsync().ConfigureAwait(false);
        await polling.ConfigureAwait(false);
    }

    private ConsumerLoop CreateLoop(ConsumerConfig config, string clusterId, Dictionary<string, Subscription> subscriptions, List<Lane> lanes, WorkerLevels levels)
    {
        var (store, incidents) = (new ClaimStore(_database, $"{Environment.MachineName}/{Environment.ProcessId}"), new IncidentStore(_database));
        var first = new FirstPositions(_cluster, clusterId, shared.Value.Application, store, incidents, subscriptions);
        var claimer = new Claimer(_cluster, store, first, incidents, subscriptions, _time);
        var waiting = new WaitingClaims(claimer, new FrozenOwner(_database, incidents), options, _time);
        var watch = new Watch(definition.Name, options, _cluster, clusterId, _database, new SubscriptionStore(_database), incidents, subscriptions,
            new HungTransactions(definition.Name, options.HungTransactionAfter, _cluster, incidents, _time, loggers.CreateLogger<HungTransactions>()), levels);
        return new ConsumerLoop(
            definition.Name, config, claimer, waiting, watch, incidents, subscriptions, lanes, options, _time, loggers.CreateLogger<ConsumerLoop>());
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
                    (subscription.Id, subscription.TopicId) = await store.EnsureAsync(
                        clusterId, definition.Name, subscription.Topic, topics[subscription.Topic].TopicId.ToString(), stoppingToken, definition.RenamedFrom,
                        options.SeveralClusters).ConfigureAwait(false);
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

    [LoggerMessage(EventIds.WorkerStarting, LogLevel.Information, "Worker {Worker} starts as a member of {Group} with {Lanes} lanes")]
    private static partial void LogStarting(ILogger logger, string worker, string group, int lanes);

    [LoggerMessage(EventIds.WorkerStopped, LogLevel.Information, "Worker {Worker} has stopped")]
    private static partial void LogStopped(ILogger logger, string worker);

    [LoggerMessage(EventIds.WorkerNotReady, LogLevel.Warning, "Worker {Worker} cannot start yet; trying again in {Pause:0.0} s")]
    private static partial void LogNotReady(ILogger logger, Exception exception, string worker, double pause);
}
