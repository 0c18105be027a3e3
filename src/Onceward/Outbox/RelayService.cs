using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Onceward.Diagnostics;
using Onceward.Handling;
using Onceward.Hosting;
using Onceward.Ledger;

namespace Onceward.Outbox;

/// <summary>Takes the relay slots that nobody runs, and runs them as long as it holds their locks.</summary>
/// <remarks>
/// Liveness only: a session's advisory lock in PostgreSQL says who should run a slot, so that a dead relay is replaced within a second. Safety
/// does not rest on it but on the slot's <c>transactional.id</c>; two that believe to hold a slot fence each other.
/// </remarks>
internal sealed partial class RelayService(
    IOptions<OncewardOptions> options, NpgsqlDataSource database, LedgerSchema schema, Cluster cluster, OutboxSignal signal, Waypoints waypoints,
    TimeProvider time, ILoggerFactory loggers) : BackgroundService
{
    private static readonly TimeSpan s_lockInterval = TimeSpan.FromMilliseconds(500);
    private static readonly Backoff s_retry = new(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(5));

    private readonly ILogger _logger = loggers.CreateLogger<RelayService>();
    private readonly Random _random = new();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.Relay.Enabled)
            return;
        for (var failures = 0; !stoppingToken.IsCancellationRequested;)
        {
            try
            {
                await schema.EnsureAsync(stoppingToken).ConfigureAwait(false);
                await RequireSessionAsync(stoppingToken).ConfigureAwait(false);
                var clusterId = await cluster.IdAsync(stoppingToken).ConfigureAwait(false);
                await EnsureTopicAsync(stoppingToken).ConfigureAwait(false);
                await RunAsync(clusterId, () => failures = 0, stoppingToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            // The loop boundary: broker or database are not there yet, or the lock's connection broke. Settings that cannot work end the host.
            catch (Exception e) when (e is not OncewardException { IsTransient: false })
            {
                var pause = s_retry.After(++failures, _random);
                LogNotReady(_logger, e, pause.TotalSeconds);
                await Task.Delay(pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task RunAsync(string clusterId, Action onConnected, CancellationToken stoppingToken)
    {
        var connection = options.Value.Relay.LockConnection is { Length: > 0 } direct ? new NpgsqlConnection(direct) : database.CreateConnection();
        await using var _ = connection.ConfigureAwait(false);
        await connection.OpenAsync(stoppingToken).ConfigureAwait(false);
        onConnected();
        using var session = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var running = new Dictionary<int, Task>();
        try
        {
            while (true)
            {
                for (var slot = 0; slot < options.Value.Relay.Slots; slot++)
                    if (!running.ContainsKey(slot) && await TryLockAsync(connection, clusterId, slot, stoppingToken).ConfigureAwait(false))
                        running[slot] = Slot(clusterId, slot).RunAsync(session.Token);
                // Also the proof that the connection, and with it the locks, are still ours.
                await TryLockAsync(connection, clusterId, -1, stoppingToken).ConfigureAwait(false);
                await Task.Delay(s_lockInterval, time, stoppingToken).ConfigureAwait(false);
            }
        }
        finally
        {
            await session.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(running.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await UnlockAsync(connection).ConfigureAwait(false);
        }
    }

    /// <summary>Who names a connection for the locks answers for it: a pooler may keep sessions together.</summary>
    private async Task RequireSessionAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Relay.LockConnection.Length > 0)
            return;
        var connection = await database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = connection.ConfigureAwait(false);
        if (!await Pooler.IsAbsentAsync(connection, cancellationToken).ConfigureAwait(false))
            throw new OncewardException(
                ErrorCodes.Configuration, "The data source leads through a pooler. The locks that say who runs a relay slot are a session's: two relays could both believe to have one, and would fence each other for ever. Set Relay.LockConnection to a connection string that leads there directly, or turn Relay.Enabled off in this process and run the relay elsewhere.");
    }

    /// <summary>The pool keeps the session, and with it the locks, until somebody uses it again: a successor would wait for that.</summary>
    private static async Task UnlockAsync(NpgsqlConnection connection)
    {
        try
        {
            var command = new NpgsqlCommand("SELECT pg_advisory_unlock_all()", connection);
            await using var _ = command.ConfigureAwait(false);
            await command.ExecuteNonQueryAsync(CancellationToken.None).ConfigureAwait(false);
        }
        // The connection is gone, and its locks with it.
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException or IOException)
        {
        }
    }

    private RelaySlot Slot(string clusterId, int slot)
    {
        var owner = new RelayOwner(options.Value.Application, options.Value.Relay.Slots, slot);
        return new RelaySlot(
            owner, options.Value, new OutboxStore(database, clusterId, owner), new IncidentStore(database), signal, cluster, waypoints, time, new Random(),
            loggers.CreateLogger<RelaySlot>());
    }

    private async Task<bool> TryLockAsync(NpgsqlConnection connection, string clusterId, int slot, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(slot < 0 ? "SELECT true" : "SELECT pg_try_advisory_lock(hashtext($1), $2)", connection);
        await using var _ = command.ConfigureAwait(false);
        if (slot >= 0)
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"onceward.relay/{clusterId}/{options.Value.Application}" });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = slot });
        }
        return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    /// <summary>The relay topic has a partition for each slot, for ever: another number would move channels away from their positions.</summary>
    private async Task EnsureTopicAsync(CancellationToken cancellationToken)
    {
        var (topic, slots) = (options.Value.Application + OncewardOptionsValidator.RelayTopicSuffix, options.Value.Relay.Slots);
        try
        {
            var specification = new TopicSpecification
            {
                Name = topic,
                NumPartitions = slots,
                ReplicationFactor = -1,
                // Positions are deleted by the relay, behind its own snapshots, and by nothing else.
                Configs = new() { ["retention.ms"] = "-1", ["retention.bytes"] = "-1", ["cleanup.policy"] = "delete" },
            };
            await cluster.Admin.CreateTopicsAsync([specification]).WaitAsync(cancellationToken).ConfigureAwait(false);
            LogTopicCreated(_logger, topic, slots);
        }
        catch (CreateTopicsException e) when (e.Results.TrueForAll(r => r.Error.Code is ErrorCode.TopicAlreadyExists))
        {
            var description = (await cluster.TopicsAsync([topic], cancellationToken).ConfigureAwait(false))[topic];
            if (description.Partitions.Count != slots)
                throw new OncewardException(
                    ErrorCodes.Configuration, $"Relay.Slots is {slots}, but topic '{topic}' has {description.Partitions.Count} partitions, one for each slot since it was created. Set Relay.Slots to that number.");
        }
    }

    [LoggerMessage(EventIds.RelayNotReady, LogLevel.Warning, "The relay cannot run yet; trying again in {Pause:0.0} s")]
    private static partial void LogNotReady(ILogger logger, Exception exception, double pause);

    [LoggerMessage(EventIds.RelayTopicCreated, LogLevel.Information, "Created topic {Topic} with {Slots} partitions, one for each relay slot")]
    private static partial void LogTopicCreated(ILogger logger, string topic, int slots);
}
