using Npgsql;
using Onceward.Faults.Checking;
using Onceward.Faults.Nemesis;
using Onceward.Faults.Stage;

namespace Onceward.Faults;

/// <summary>Runs load and faults side by side, lets the system recover, and collects the history.</summary>
internal sealed class Conductor(Scene scene, RunOptions options, Action<string> say) : IDisposable
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(250);

    // A fault that waits for its evidence, or for its server to come back.
    private static readonly TimeSpan s_lastFault = TimeSpan.FromSeconds(90);

    private readonly ProcessFaults _processes = new(scene, options);
    private readonly ServerFaults _servers = new(scene);
    private readonly ConnectionFaults _connections = new(scene);
    private readonly RecordFaults _records = new(scene);
    private readonly List<InflictedFault> _inflicted = [];

    /// <summary>What was done, in the order in which it ended.</summary>
    public IReadOnlyList<InflictedFault> Inflicted => _inflicted;

    public void Dispose() => _servers.Dispose();

    public async Task<History> RunAsync(CancellationToken cancellationToken)
    {
        await scene.OpenAsync(cancellationToken);
        say($"{scene.Journal.AckedCount} records wait; load and faults begin");
        using (var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            over.CancelAfter(options.Length);
            var load = Task.Run(() => scene.Producing.RunAsync(over.Token), cancellationToken);
            var growth = options.GrowTo is { } partitions ? GrowAsync(partitions, over.Token) : Task.CompletedTask;
            await InflictAllAsync(over.Token, cancellationToken);
            await load;
            await growth;
        }
        cancellationToken.ThrowIfCancellationRequested();
        say($"{scene.Journal.AckedCount} records acknowledged, {_inflicted.Count} faults; healing");
        foreach (var child in scene.Children)
            child.Thaw();
        foreach (var child in scene.Workers.Concat(scene.Relays).Where(c => c.Pid is null))
            child.Start();
        await scene.Producing.FlushAsync(cancellationToken);
        await scene.Transactions.CloseAsync(cancellationToken);
        var drained = await DrainAsync(cancellationToken);
        say(drained is { } time ? $"everything is applied and published {time.TotalSeconds:0.0} s after the last fault; checking" : "not everything is applied and published; checking");
        foreach (var child in scene.Children)
            child.Leave();
        await Task.WhenAll(scene.Children.Select(c => c.EndedAsync(TimeSpan.FromSeconds(20))));
        return await Collector.CollectAsync(scene, options, drained, cancellationToken);
    }

    /// <summary>The input has more partitions all at once, and producers that come behind it move keys there.</summary>
    private async Task GrowAsync(int partitions, CancellationToken over)
    {
        await Task.Delay(options.Length / 3, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (!over.IsCancellationRequested && !await scene.TryGrowInputAsync(partitions))
            await Task.Delay(s_poll, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        scene.Producing.GrowTo(partitions);
        say($"the input has {partitions} partitions");
    }

    /// <summary>Each fault at its time, none waiting for another.</summary>
    private async Task InflictAllAsync(CancellationToken over, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        var running = new List<Task>();
        foreach (var plan in Schedule.Create(options.Seed, options.Length, options.Interval, options.Kinds))
        {
            var wait = plan.At - TimeProvider.System.GetElapsedTime(started);
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (over.IsCancellationRequested)
                break;
            running.Add(InflictAsync(plan, started, cancellationToken));
        }
        await Task.Delay(Timeout.Infinite, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(running).WaitAsync(s_lastFault, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task InflictAsync(PlannedFault plan, long started, CancellationToken cancellationToken)
    {
        try
        {
            if (await OfKindAsync(plan, cancellationToken) is not { } fault)
                return;
            lock (_inflicted)
                _inflicted.Add(fault);
            say($"{TimeProvider.System.GetElapsedTime(started).TotalSeconds,6:0.0} s  {plan.Kind.NameOf()}: {fault.Target}: {fault.Bite.Count} {fault.Bite.What}");
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The run is over.
        }
        // The boundary of a fault: one that another kept from happening, or from being seen, is one less; the report counts what bit.
        catch (Exception e)
        {
            say($"{TimeProvider.System.GetElapsedTime(started).TotalSeconds,6:0.0} s  {plan.Kind.NameOf()} came to nothing: {e.GetType().Name}: {e.Message}");
        }
    }

    private Task<InflictedFault?> OfKindAsync(PlannedFault plan, CancellationToken cancellationToken) => plan.Kind switch
    {
        FaultKind.WorkerKill => _processes.KillAsync(plan, cancellationToken),
        FaultKind.WorkerFreeze => _processes.FreezeAsync(plan, cancellationToken),
        FaultKind.RelayKill => _processes.KillRelayAsync(plan, cancellationToken),
        FaultKind.BrokerKill => _servers.KillBrokerAsync(plan, cancellationToken),
        FaultKind.PostgresKill => _servers.KillPostgresAsync(plan, cancellationToken),
        FaultKind.BackendTerminate => _servers.TerminateBackendsAsync(plan, cancellationToken),
        FaultKind.PostgresCut => _connections.CutPostgresAsync(plan, cancellationToken),
        FaultKind.PostgresDelay => _connections.DelayPostgresAsync(plan, cancellationToken),
        FaultKind.KafkaCut => _connections.CutKafkaAsync(plan, cancellationToken),
        FaultKind.KafkaDelay => _connections.DelayKafkaAsync(plan, cancellationToken),
        FaultKind.CommitReplyDropped => _connections.DropCommitReplyAsync(plan, cancellationToken),
        FaultKind.RebalanceStorm => _processes.StormAsync(plan, cancellationToken),
        FaultKind.RivalClaim => _servers.ClaimAsRivalAsync(plan, cancellationToken),
        FaultKind.Poison => _records.PoisonAsync(plan, cancellationToken),
        FaultKind.Undecodable => _records.UndecodableAsync(plan, cancellationToken),
        FaultKind.AbortedTransaction => _records.AbortAsync(plan, cancellationToken),
        _ => throw new ArgumentOutOfRangeException(nameof(plan), plan.Kind, "No such fault."),
    };

    /// <summary>Until every record is applied, nothing is parked, and all is published.</summary>
    private async Task<TimeSpan?> DrainAsync(CancellationToken cancellationToken)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(since) < options.DrainLimit)
        {
            try
            {
                if (await IsDrainedAsync(cancellationToken))
                    return TimeProvider.System.GetElapsedTime(since);
            }
            catch (Exception e) when (e is NpgsqlException or IOException or Confluent.Kafka.KafkaException)
            {
                // Servers come back from the last fault.
            }
            await Task.Delay(s_poll, cancellationToken);
        }
        return null;
    }

    private async Task<bool> IsDrainedAsync(CancellationToken cancellationToken)
    {
        var ends = TopicReader.EndsOf(options, scene.Input, options.LastPartitions);
        if (await scene.Store.AskAsync<long>("SELECT coalesce(sum(next_offset), 0)::bigint FROM onceward.consumer_offset", cancellationToken) != ends.Sum())
            return false;
        return await scene.Store.AskAsync<bool>(
            """
            SELECT NOT EXISTS (SELECT FROM onceward.parked_record)
               AND (SELECT sum(next_out_seq) FROM onceward.consumer_offset) = (SELECT sum(relayed_seq) FROM onceward.outbox_channel)
            """, cancellationToken);
    }
}
