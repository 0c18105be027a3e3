using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Onceward.Diagnostics;
using Onceward.Handling;
using Onceward.Intake;
using Onceward.Lanes;
using Onceward.Outbox;
using Onceward.Redrive;

namespace Onceward.Hosting;

/// <summary>Puts the lanes and the redrive of a worker together.</summary>
internal sealed class Pipelines(
    string worker, WorkerOptions options, OncewardOptions shared, IServiceProvider services, ILoggerFactory loggers)
{
    private readonly NpgsqlDataSource _database = services.GetRequiredService<NpgsqlDataSource>();
    private readonly TimeProvider _time = services.GetRequiredService<TimeProvider>();
    private readonly Waypoints _waypoints = services.GetRequiredService<Waypoints>();
    private readonly OutboxSignal _outbox = services.GetRequiredService<OutboxSignal>();
    private readonly IServiceScopeFactory _scopes = services.GetRequiredService<IServiceScopeFactory>();

    private readonly Publishing _publishing = new(worker, services.GetRequiredService<ISerdes>(), shared.MaxMessageBytes);

    public Lane CreateLane(int number, Action<Claim> fence)
    {
        var connection = new LaneConnection(_database, options.Lanes);
        var diversion = new Diversion(Burial(), _time, new Random(), loggers.CreateLogger<Diversion>());
        var suspects = new Suspects();
        var call = new HandlerCall(suspects, options.Lanes, _time);
        var isolation = new RecordIsolation(new SavepointRunner(_scopes, call, suspects), diversion);
        var transaction = new BatchTransaction(connection, _scopes, _publishing, diversion, isolation, call, _waypoints);
        var processor = new BatchProcessor(
            worker, transaction, connection, _database, _outbox, suspects, fence, _time, new Random(), loggers.CreateLogger<BatchProcessor>());
        return new Lane(number, options.Lanes, new BatchFormer(options.Lanes, _time), processor, connection, fence, _time, loggers.CreateLogger<Lane>());
    }

    public RedriveLoop CreateRedrive(IEnumerable<Subscription> subscriptions)
    {
        var connection = new LaneConnection(_database, options.Lanes);
        var suspects = new Suspects();
        var runner = new SavepointRunner(_scopes, new HandlerCall(suspects, options.Lanes, _time), suspects);
        var transaction = new RedriveTransaction(
            connection, _database, services, _publishing, runner, suspects, Burial(), _outbox, _waypoints, _time, new Random(),
            loggers.CreateLogger<RedriveTransaction>());
        return new RedriveLoop(worker, transaction, connection, [.. subscriptions], _time, new Random(), loggers.CreateLogger<RedriveLoop>());
    }

    public Pruner CreatePruner(IEnumerable<Subscription> subscriptions) =>
        new(worker, options.DedupeWindow, [.. subscriptions], _database, _time, loggers.CreateLogger<Pruner>());

    private Burial Burial() => new(_publishing, loggers.CreateLogger<Burial>());
}
