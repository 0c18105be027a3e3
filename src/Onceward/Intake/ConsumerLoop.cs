using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onceward.Handling;
using Onceward.Lanes;
using Onceward.Ledger;

namespace Onceward.Intake;

/// <summary>The poll thread of a worker: the only one that touches the consumer.</summary>
/// <remarks>
/// <para><b>Guarantee:</b> a lane gets every visible record of a claimed partition from the ledger's position on, in order, until the claim
/// ends. Whatever the client throws, it is not trusted afterwards: all claims end, and a new client begins where the ledger says.</para>
/// <para><b>Callbacks never throw.</b> The client destroys the record it was about to deliver when one does, and stalls without a word when the
/// assigned handler does.</para>
/// </remarks>
internal sealed partial class ConsumerLoop(
    string worker, ConsumerConfig config, Claimer claimer, WaitingClaims waiting, Watch watch, IncidentStore incidents,
    IReadOnlyDictionary<string, Subscription> subscriptions, IReadOnlyList<Lane> lanes, WorkerOptions options, TimeProvider time, ILogger<ConsumerLoop> logger)
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_fullBeforePause = TimeSpan.FromSeconds(1);
    private static readonly Backoff s_restart = new(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10));
    private static readonly TimeSpan s_healthy = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_revokeWait = TimeSpan.FromSeconds(2);

    // After this many records the lanes are told, even if more are waiting in the client.
    private const int BurstRecords = 500;

    private readonly Assignment _assignment = new();
    private readonly IntakeBudget _budget = new(options.MaxBufferedBytes);
    private readonly HashSet<Claim> _touched = [];
    private readonly Random _random = new();
    // The client makes a string of the topic's name for each record. Where there is one topic only, it is asked not to.
    private readonly string? _onlyTopic = subscriptions.Count == 1 ? subscriptions.Keys.Single() : null;
    private readonly FenceGuard _fenceGuard = new(time, new Random());
    private CancellationToken _stopping;
    private string? _replaceBecause;
    private TimeSpan _stayAway;
    private (Claim Claim, long Since)? _oldestFence;
    private long _mirroredAt;

    /// <summary>Ends a claim that a lane found fenced; the partition is claimed again if the group still gives it to us.</summary>
    public void Fence(Claim claim) => _assignment.Fence(claim);

    /// <summary>Polls until told to stop, then leaves the group. Blocks: runs on a thread of its own.</summary>
    /// <exception cref="OncewardException">Another process has joined the group under the name of this one.</exception>
    public void Run(Task lanesStopped, CancellationToken stopping)
    {
        _stopping = stopping;
        var failures = 0;
        while (!stopping.IsCancellationRequested)
        {
            var started = time.GetTimestamp();
            Exception? failure = null;
            try
            {
                RunConsumer(lanesStopped);
            }
            // The loop boundary: a consumer that cannot go on is replaced by a new one, but for one that would only fence another.
            catch (Exception e) when (e is not OncewardException { ErrorCode: ErrorCodes.Instance })
            {
                failure = e;
            }
            finally
            {
                GiveUpAll();
            }
            if (stopping.IsCancellationRequested && failure is null)
                return;
            failures = time.GetElapsedTime(started) > s_healthy ? 1 : failures + 1;
            var pause = s_restart.After(failures, _random);
            pause = pause > _stayAway ? pause : _stayAway;
            LogRestarting(logger, failure, worker, _replaceBecause ?? "the client failed", pause.TotalSeconds);
            stopping.WaitHandle.WaitOne(pause);
        }
    }

    /// <remarks>
    /// A partition is never repositioned inside a client: an answer that is still under way, such as the end of the log for a logical start,
    /// would move the new position, and records would be passed over without a trace. A client that must begin elsewhere is replaced.
    /// </remarks>
    private void RunConsumer(Task lanesStopped)
    {
        (_replaceBecause, _stayAway, _oldestFence) = (null, TimeSpan.Zero, null);
        (_isMember, _begunAt) = (false, time.GetTimestamp());
        using var consumer = Build();
        // A topic that does not exist would fail the client, and with it all other topics. The watch notices when it is there.
        var present = subscriptions.Keys.Where(t => !_missing.Contains(t)).ToArray();
        consumer.Subscribe(present.Length > 0 ? present : subscriptions.Keys);
        while (!_stopping.IsCancellationRequested && _replaceBecause is null)
        {
            Poll(consumer);
            CheckClaims();
            CheckFences();
            StopDrained();
            PauseAndResume(consumer);
            LookAround(consumer);
            MirrorDue(consumer);
            WaitForRoom(consumer);
        }
        if (_stopping.IsCancellationRequested)
        {
            // Lanes finish what they have open; then the group may give the partitions away, with the mirror as fresh as can be.
            lanesStopped.Wait(CancellationToken.None);
            Mirror(consumer);
        }
        else
        {
            GiveUpAll();
        }
        consumer.Close();
    }

    private void GiveUpAll()
    {
        _assignment.Clear();
        waiting.Clear();
        // An attempt that ended after the next owner's would fence it.
        waiting.Wait(s_claimWait);
        ForgetStops();
    }

    private IConsumer<byte[], byte[]> Build() => new ConsumerBuilder<byte[], byte[]>(
            new ConsumerConfig(config) { ConsumeResultFields = _onlyTopic is null ? "all" : "headers,timestamp" })
        .SetPartitionsAssignedHandler((_, partitions) => OnAssigned(partitions))
        .SetPartitionsRevokedHandler((consumer, partitions) => OnRevoked(consumer, partitions))
        .SetPartitionsLostHandler((_, partitions) => OnLost(partitions))
        .SetErrorHandler((_, error) => Quietly(() => LogClientError(logger, worker, error.Reason)))
        .SetLogHandler((_, message) => Quietly(() => LogClient(logger, worker, message.Facility, message.Message)))
        .Build();

    private void Poll(IConsumer<byte[], byte[]> consumer)
    {
        try
        {
            var timeout = s_poll;
            for (var i = 0; i < BurstRecords && _replaceBecause is null && _toPause.Count == 0 && consumer.Consume(timeout) is { } result; i++)
            {
                result.Topic ??= _onlyTopic;
                Deliver(result);
                timeout = TimeSpan.Zero;
            }
        }
        catch (ConsumeException e)
        {
            if (e.ConsumerRecord is { } record && record.Partition != Partition.Any)
                record.Topic ??= _onlyTopic;
            if (e.Error.Code is ErrorCode.FencedInstanceId)
                throw Fenced(e);
            if (e.Error.Code is ErrorCode.UnreleasedInstanceId)
                LogNameTaken(logger, worker, config.GroupInstanceId);
            // A batch with a wrong checksum, say, surfaces like this, and the client would go on behind it.
            LogConsumeFailed(logger, e, worker, e.Error.Code);
            if (!MayGoOnAfter(e))
                Replace($"consuming failed with {e.Error.Code}");
        }
        finally
        {
            foreach (var claim in _touched)
                claim.Wake();
            _touched.Clear();
        }
    }

    private void Deliver(Record result)
    {
        if (!_assignment.TryGet(result, out var claim))
        {
            // Records of a partition that is not ours are dropped: they are read again from the ledger's position.
            if (waiting.TryGet(result.TopicPartition, out var waits) && !waits.TryKeep(result))
                Replace($"{result.TopicPartition} is not claimed, and its records do not stop");
            return;
        }
        if (IsBehindCorrupt(claim))
            return;
        var finding = result.IsPartitionEOF ? claim.Check.SeeEnd(result.Offset.Value) : claim.Check.See(result);
        if (finding is not LogFinding.Fine && !MayGoOn(claim, finding, result))
            return;
        // The broker has the position after all; the batch is whole after all.
        if (_denied.Count > 0)
            _denied.Remove(claim.Partition);
        if (_corrupt.Count > 0 && _corrupt.TryGetValue(claim.Partition, out var corrupt) && result.Offset.Value >= corrupt.Offset)
            _corrupt.Remove(claim.Partition);
        if (result.IsPartitionEOF)
            claim.ReachEnd(result.Offset.Value);
        else
            claim.Add(result);
        _touched.Add(claim);
    }

    private void Replace(string because, TimeSpan stayAway = default)
    {
        _replaceBecause ??= because;
        _stayAway = stayAway > _stayAway ? stayAway : _stayAway;
    }

    /// <summary>While the buffers are full the client is not asked; only when that lasts are the partitions paused, which costs a refetch.</summary>
    private void WaitForRoom(IConsumer<byte[], byte[]> consumer)
    {
        if (!_budget.IsExhausted)
            return;
        var since = time.GetTimestamp();
        while (!_budget.HasRoom && time.GetElapsedTime(since) < s_fullBeforePause && !_stopping.IsCancellationRequested)
            _stopping.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(2));
        if (_budget.HasRoom || _stopping.IsCancellationRequested)
            return;
        _toPause.UnionWith(consumer.Assignment);
        while (!_budget.HasRoom && !_stopping.IsCancellationRequested && _replaceBecause is null)
        {
            PauseAndResume(consumer);
            Poll(consumer);
            CheckClaims();
        }
        // Those that were stopped before, or wait for their claim, have none.
        _toResume.UnionWith(consumer.Assignment.Where(p => _assignment.TryGet(p, out var claim) && !IsBehindCorrupt(claim)));
    }
}
