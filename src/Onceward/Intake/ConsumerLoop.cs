using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onceward.Handling;
using Onceward.Lanes;

namespace Onceward.Intake;

/// <summary>The poll thread of a worker: the only one that touches the consumer.</summary>
/// <remarks>
/// <para><b>Guarantee:</b> a lane gets every visible record of a claimed partition from the ledger's position on, in order, until the claim
/// ends. Whatever the client throws, it is not trusted afterwards: all claims end, and a new client begins where the ledger says.</para>
/// <para><b>Callbacks never throw.</b> The client destroys the record it was about to deliver when one does, and stalls without a word when the
/// assigned handler does.</para>
/// </remarks>
internal sealed partial class ConsumerLoop(
    string worker, ConsumerConfig config, Claimer claimer, IReadOnlyDictionary<string, Subscription> subscriptions, IReadOnlyList<Lane> lanes,
    WorkerOptions options, TimeProvider time, ILogger<ConsumerLoop> logger)
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
    private readonly List<TopicPartition> _stopped = [];
    private CancellationToken _stopping;
    private string? _replaceBecause;
    private (Claim Claim, long Since)? _oldestFence;
    private long _mirroredAt;

    /// <summary>Ends a claim that a lane found fenced; the partition is claimed again if the group still gives it to us.</summary>
    public void Fence(Claim claim) => _assignment.Fence(claim);

    /// <summary>Polls until told to stop, then leaves the group. Blocks: runs on a thread of its own.</summary>
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
            // The loop boundary: a consumer that cannot go on is replaced by a new one.
            catch (Exception e)
            {
                failure = e;
            }
            _assignment.Clear();
            if (stopping.IsCancellationRequested && failure is null)
                return;
            failures = time.GetElapsedTime(started) > s_healthy ? 1 : failures + 1;
            var pause = s_restart.After(failures, _random);
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
        _replaceBecause = null;
        _oldestFence = null;
        using var consumer = Build();
        consumer.Subscribe(subscriptions.Keys);
        while (!_stopping.IsCancellationRequested && _replaceBecause is null)
        {
            Poll(consumer);
            CheckFences();
            PauseStopped(consumer);
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
            _assignment.Clear();
        }
        consumer.Close();
    }

    private IConsumer<byte[], byte[]> Build() => new ConsumerBuilder<byte[], byte[]>(config)
        .SetPartitionsAssignedHandler((_, partitions) => OnAssigned(partitions))
        .SetPartitionsRevokedHandler((consumer, partitions) => OnRevoked(consumer, partitions))
        .SetPartitionsLostHandler((_, partitions) => OnLost(partitions))
        .SetErrorHandler((_, error) => LogClientError(logger, worker, error.Reason))
        .SetLogHandler((_, message) => LogClient(logger, worker, message.Facility, message.Message))
        .Build();

    private void Poll(IConsumer<byte[], byte[]> consumer)
    {
        try
        {
            var timeout = s_poll;
            for (var i = 0; i < BurstRecords && _replaceBecause is null && consumer.Consume(timeout) is { } result; i++)
            {
                Deliver(result);
                timeout = TimeSpan.Zero;
            }
        }
        catch (ConsumeException e) when (e.Error.Code is ErrorCode.Local_AutoOffsetReset)
        {
            Stop(e);
        }
        catch (ConsumeException e)
        {
            // A record with a bad checksum, say, surfaces like this, and the client would go on behind it.
            LogConsumeFailed(logger, e, worker, e.Error.Code);
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
        // Records of a partition that is not claimed are dropped: they are read again from the ledger's position.
        if (!_assignment.TryGet(result.TopicPartition, out var claim))
            return;
        if (result.IsPartitionEOF)
            claim.ReachEnd(result.Offset.Value);
        else
            claim.Add(result);
        _touched.Add(claim);
    }

    /// <summary>The broker does not have the ledger's position: records are gone, or the topic is another. Nobody here may guess which.</summary>
    private void Stop(ConsumeException exception)
    {
        var partition = exception.ConsumerRecord?.TopicPartition;
        LogStopped(logger, exception, worker, partition?.ToString() ?? "a partition");
        if (partition is null || _assignment.Remove(partition) is not { } claim)
            return;
        Stopped?.Invoke(claim, exception.Error.Reason);
        _stopped.Add(partition);
    }

    /// <summary>Called when the broker does not have the position of a claim.</summary>
    public Action<Claim, string>? Stopped { get; set; }

    private void Replace(string because) => _replaceBecause ??= because;

    /// <summary>What a stopped partition would deliver is not wanted.</summary>
    private void PauseStopped(IConsumer<byte[], byte[]> consumer)
    {
        if (_stopped.Count == 0)
            return;
        consumer.Pause(_stopped.Where(consumer.Assignment.Contains));
        _stopped.Clear();
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
        consumer.Pause(consumer.Assignment);
        while (!_budget.HasRoom && !_stopping.IsCancellationRequested && _replaceBecause is null)
            Poll(consumer);
        // Those that were stopped before have no claim.
        consumer.Resume(consumer.Assignment.Where(p => _assignment.TryGet(p, out _)));
    }
}
