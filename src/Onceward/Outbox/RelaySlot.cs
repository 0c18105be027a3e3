using System.Text.Json;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onceward.Diagnostics;
using Onceward.Handling;
using Onceward.Hosting;
using Onceward.Ledger;

namespace Onceward.Outbox;

/// <summary>Publishes the rows of a slot's channels, each exactly once and in order, for readers of committed data.</summary>
/// <remarks>
/// <para><b>Guarantee:</b> a Kafka transaction holds the rows and the positions behind them, so that what is published and what is known to be
/// published cannot differ. It needs no lock to be safe: whoever starts the slot last fences all others.</para>
/// <para><b>Crash:</b> between produce and commit, the successor's <c>InitTransactions</c> aborts, and the rows are sent again; after the commit,
/// the successor finds the position. PostgreSQL's copy of it is late and only a lower bound.</para>
/// </remarks>
internal sealed partial class RelaySlot(
    RelayOwner owner, OncewardOptions options, OutboxStore store, IncidentStore incidents, OutboxSignal signal, Cluster cluster,
    Waypoints waypoints, TimeProvider time, Random random, ILogger<RelaySlot> logger)
{
    private static readonly Backoff s_restart = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10));
    private static readonly TimeSpan s_recordInterval = TimeSpan.FromSeconds(1);

    private readonly TopicPartition _partition = new(options.Application + OncewardOptionsValidator.RelayTopicSuffix, owner.Slot);
    private readonly HashSet<int> _stopped = [];
    // Whose rows were seen to be those that were published: behind the positions of these, and of no other, rows may go.
    private readonly HashSet<int> _unrecorded = [];
    private Dictionary<int, ChannelPosition> _positions = [];
    private HashSet<int> _diverged = [];
    private int _active = 1;
    private bool _isFirstLook;
    private (string System, int Timeline) _database;

    /// <summary>Runs until cancelled; every failure starts the slot again, with a new producer and the position read anew.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await RunSessionAsync(() => failures = 0, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            // The loop boundary: after any doubt the slot starts from what Kafka says.
            catch (Exception e)
            {
                var pause = s_restart.After(++failures, random);
                LogFailed(logger, e, owner.Slot, pause.TotalSeconds);
                await Task.Delay(pause, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task RunSessionAsync(Action onProgress, CancellationToken cancellationToken)
    {
        using var producer = await Task.Run(() => new RelayProducer(options, owner, _partition, m => LogClient(logger, owner.Slot, m)), cancellationToken)
            .ConfigureAwait(false);
        _positions = await Task.Run(() => PositionLog.Read(options, _partition, time, cancellationToken), cancellationToken).ConfigureAwait(false);
        _stopped.Clear();
        foreach (var retired in await store.RetiredAsync(cancellationToken).ConfigureAwait(false))
            _positions.Remove(retired);
        _unrecorded.Clear();
        _isFirstLook = true;
        _diverged = await incidents.DivergedChannelsAsync(cancellationToken).ConfigureAwait(false);
        _database = await store.IdentityAsync(cancellationToken).ConfigureAwait(false);
        var relayed = await store.RelayedAsync(cancellationToken).ConfigureAwait(false);
        await CheckMissingAsync(relayed, cancellationToken).ConfigureAwait(false);
        await CheckLastAsync(producer, relayed, cancellationToken).ConfigureAwait(false);
        LogStarted(logger, owner.Slot, _positions.Count);
        try
        {
            await PublishAsync(producer, onProgress, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // What is certain a successor need not look for.
            if (cancellationToken.IsCancellationRequested && !producer.IsDoubtful)
            {
                using var brief = new CancellationTokenSource(s_recordInterval, time);
                await RecordAsync(brief.Token).ConfigureAwait(false);
            }
        }
    }

    private async Task PublishAsync(RelayProducer producer, Action onProgress, CancellationToken cancellationToken)
    {
        var transactions = 0;
        var recordedAt = time.GetTimestamp();
        while (!cancellationToken.IsCancellationRequested)
        {
            var next = signal.NextAsync();
            var sent = await PublishNextAsync(producer, cancellationToken).ConfigureAwait(false);
            if (producer.IsDoubtful)
                break;
            if (sent > 0)
            {
                onProgress();
                if (++transactions % options.Relay.SnapshotEvery == 0)
                    await SnapshotAsync(producer).ConfigureAwait(false);
            }
            if (time.GetElapsedTime(recordedAt) > s_recordInterval)
            {
                await RecordAsync(cancellationToken).ConfigureAwait(false);
                recordedAt = time.GetTimestamp();
            }
            if (sent == 0)
                await Task.WhenAny(next, Task.Delay(options.Relay.IdleDelay, time, cancellationToken)).ConfigureAwait(false);
        }
    }

    private async Task RecordAsync(CancellationToken cancellationToken)
    {
        if (_unrecorded.Count == 0)
            return;
        await store.RecordRelayedAsync([.. _unrecorded.Select(c => _positions[c])], cancellationToken).ConfigureAwait(false);
        _unrecorded.Clear();
    }

    private async Task<int> PublishNextAsync(RelayProducer producer, CancellationToken cancellationToken)
    {
        var rows = new List<OutboxRow>();
        var active = 0;
        // Every channel that had rows gets the same share, so that a long one does not keep the others waiting.
        var share = Math.Max(1, options.Relay.MaxRows / _active);
        var found = await store.ReadAsync(_positions, share, cancellationToken).ConfigureAwait(false);
        foreach (var channel in found)
        {
            var (next, fault) = ChannelCheck.Examine(channel, _positions.GetValueOrDefault(channel.Channel));
            if (fault is not null)
            {
                if (!_stopped.Contains(channel.Channel))
                    await StopAsync(channel.Channel, fault, cancellationToken).ConfigureAwait(false);
                continue;
            }
            if (channel.RelayedSeq < _positions.GetValueOrDefault(channel.Channel)?.NextSeq)
                _unrecorded.Add(channel.Channel);
            // It stood still, and the row published last is there again. Until that is noted a person may release its rows into another channel, so
            // they are read anew behind it.
            if (_stopped.Remove(channel.Channel) | _diverged.Remove(channel.Channel))
                await incidents.ResolveChannelAsync(channel.Channel, "the channel went on", cancellationToken).ConfigureAwait(false);
            else if (!next.IsEmpty)
            {
                active++;
                rows.AddRange(next.Span[..Math.Min(Math.Min(next.Length, share), options.Relay.MaxRows - rows.Count)]);
            }
        }
        // A channel that Kafka knows and the table does not: the row that proves the position is always kept.
        var gone = _positions.Keys.Except(found.Select(c => c.Channel)).Where(c => !_stopped.Contains(c)).ToArray();
        foreach (var channel in gone)
            await StopAsync(channel, "nothing of it is in the outbox, though rows were published: the database went back.", cancellationToken).ConfigureAwait(false);
        _isFirstLook = false;
        _active = Math.Max(1, active);
        if (rows.Count == 0)
            return 0;

        var began = time.GetUtcNow().ToUnixTimeMilliseconds();
        var advanced = rows.GroupBy(r => r.Channel)
            .Select(c => new ChannelPosition(c.Key, c.Last().Seq + 1, c.Last().Hash(), _database.System, _database.Timeline, c.First().Seq, began)).ToArray();
        await producer.PublishAsync(rows, advanced, () => waypoints.ReachAsync(Waypoint.RelayProduced)).ConfigureAwait(false);
        await waypoints.ReachAsync(Waypoint.RelayCommitted).ConfigureAwait(false);
        foreach (var position in advanced)
        {
            _positions[position.Channel] = position;
            _unrecorded.Add(position.Channel);
        }
        OncewardMetrics.Relayed(owner.Application, rows.Count);
        LogPublished(logger, owner.Slot, rows.Count, advanced.Length);
        return rows.Count;
    }

    /// <summary>Writes all positions once more and deletes the records before them, so that the next owner reads little.</summary>
    private async Task SnapshotAsync(RelayProducer producer)
    {
        var first = await producer.PublishAsync([], [.. _positions.Values], () => ValueTask.CompletedTask).ConfigureAwait(false);
        try
        {
            await cluster.Admin.DeleteRecordsAsync([new TopicPartitionOffset(_partition, first)]).ConfigureAwait(false);
            LogPruned(logger, owner.Slot, first.Value);
        }
        catch (KafkaException e)
        {
            // Older records only cost the next owner time; the next snapshot deletes them.
            LogClient(logger, owner.Slot, e.Error.Reason);
        }
    }

    private async Task CheckMissingAsync(Dictionary<int, long> relayed, CancellationToken cancellationToken)
    {
        foreach (var (channel, until) in relayed)
            if (!_positions.ContainsKey(channel))
                await StopAsync(channel, $"Kafka holds no position, but rows up to {until} were published.", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Whether the last transaction of each channel ended whole. Of those before it that was certain before the next one began; and once PostgreSQL
    /// has its position, of the last one too. Until then its rows are in the outbox, and what is missing is sent again.
    /// </summary>
    /// <remarks>Part by part: a partition has all of a transaction or nothing, so what is sent again keeps its order.</remarks>
    private async Task CheckLastAsync(RelayProducer producer, Dictionary<int, long> relayed, CancellationToken cancellationToken)
    {
        var doubtful = _positions.Values.Where(p => p.FirstSeq is not null && relayed.GetValueOrDefault(p.Channel) < p.NextSeq && !_stopped.Contains(p.Channel))
            .ToDictionary(p => p.Channel, p => p with { NextSeq = p.FirstSeq!.Value });
        if (doubtful.Count == 0)
            return;
        var rows = new List<OutboxRow>();
        var most = (int)doubtful.Values.Max(p => _positions[p.Channel].NextSeq - p.NextSeq);
        foreach (var channel in await store.ReadAsync(doubtful, most, cancellationToken).ConfigureAwait(false))
        {
            if (!doubtful.TryGetValue(channel.Channel, out var first))
                continue;
            var position = _positions[channel.Channel];
            var published = channel.Rows.FindAll(r => r.Seq >= first.NextSeq && r.Seq < position.NextSeq);
            // A database that went back has others, or none. Its channel is about to stop.
            if (published.Count == position.NextSeq - first.NextSeq && published[^1].Hash() == position.Hash)
                rows.AddRange(published);
        }
        if (rows.Count == 0)
            return;
        var began = DateTimeOffset.FromUnixTimeMilliseconds(rows.Min(r => _positions[r.Channel].Began));
        var (missing, isSure) = await new TransactionCheck(options, cluster, time).FindMissingAsync(rows, began, cancellationToken).ConfigureAwait(false);
        if (!isSure)
            LogUnsure(logger, owner.Slot, rows.Count);
        if (missing.Count == 0)
            return;
        LogHalfCommitted(logger, owner.Slot, missing.Count, rows.Count);
        await producer.PublishAsync(missing, [], () => ValueTask.CompletedTask).ConfigureAwait(false);
        var detail = IncidentDetail.Of(
            ("reason", "Kafka committed the positions of a transaction and not all of its messages; those that were missing are published again"),
            ("slot", $"{owner.Slot}"), ("messages", $"{rows.Count}"), ("missing", $"{missing.Count}"), ("began_at", $"{began:O}"));
        await incidents.NoteAsync(IncidentStore.TransactionHalfCommitted, null, null, detail, cancellationToken, IncidentStore.Automatic).ConfigureAwait(false);
    }

    /// <remarks>
    /// Only who has just read the positions may say so. One that has been frozen, and does not know that it has a successor, would take what that one
    /// has published and removed for a database that went back.
    /// </remarks>
    private async Task StopAsync(int channel, string fault, CancellationToken cancellationToken)
    {
        if (!_isFirstLook)
            throw new InvalidOperationException($"Channel {channel}: {fault} Before it is stopped for that, the positions are read anew.");
        _unrecorded.Remove(channel);
        _stopped.Add(channel);
        LogChannelStopped(logger, channel, owner.Slot, fault);
        var position = _positions.GetValueOrDefault(channel);
        var detail = JsonSerializer.Serialize(
            new ChannelFault(channel, fault, position, _database.System, _database.Timeline), ChannelFaultJson.Default.ChannelFault);
        await incidents.NoteAsync(IncidentStore.ChannelDiverged, null, position?.NextSeq, detail, cancellationToken).ConfigureAwait(false);
    }

    [LoggerMessage(EventIds.SlotStarted, LogLevel.Information, "Relay slot {Slot} started, {Channels} channels known to Kafka")]
    private static partial void LogStarted(ILogger logger, int slot, int channels);

    [LoggerMessage(EventIds.SlotFailed, LogLevel.Warning, "Relay slot {Slot} failed and starts again in {Pause:0.0} s")]
    private static partial void LogFailed(ILogger logger, Exception exception, int slot, double pause);

    [LoggerMessage(EventIds.ChannelStopped, LogLevel.Critical, "Channel {Channel} of relay slot {Slot} is stopped: {Fault} Nothing is published from it until it is mended or released; see `onceward outbox`")]
    private static partial void LogChannelStopped(ILogger logger, int channel, int slot, string fault);

    [LoggerMessage(EventIds.TransactionHalfCommitted, LogLevel.Error, "Relay slot {Slot}: of the last transaction {Missing} of {Rows} messages were not committed, though its positions were. They are published again")]
    private static partial void LogHalfCommitted(ILogger logger, int slot, int missing, int rows);

    [LoggerMessage(EventIds.TransactionUnchecked, LogLevel.Information, "Relay slot {Slot}: not all of the {Rows} messages of the last transaction could be looked for; they count as published")]
    private static partial void LogUnsure(ILogger logger, int slot, int rows);

    [LoggerMessage(EventIds.RelayPublished, LogLevel.Debug, "Relay slot {Slot} published {Rows} rows of {Channels} channels")]
    private static partial void LogPublished(ILogger logger, int slot, int rows, int channels);

    [LoggerMessage(EventIds.PositionsPruned, LogLevel.Debug, "Relay slot {Slot} deleted positions before offset {Offset}")]
    private static partial void LogPruned(ILogger logger, int slot, long offset);

    [LoggerMessage(EventIds.RelayClient, LogLevel.Debug, "Relay slot {Slot}: {Message}")]
    private static partial void LogClient(ILogger logger, int slot, string message);
}
