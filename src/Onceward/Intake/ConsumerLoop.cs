using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onceward.Handling;
using Onceward.Lanes;

namespace Onceward.Intake;

/// <summary>The poll thread of a worker: the only one that touches the consumer.</summary>
/// <remarks>
/// <para><b>Guarantee:</b> a lane gets every visible record of a claimed partition from the ledger's position on, in order, until the claim
/// ends. Whatever the client throws, its buffers are not trusted afterwards: all claims end, and every partition is claimed anew from the ledger.</para>
/// <para><b>Callbacks never throw.</b> The client destroys the record it was about to deliver when one does, and stalls without a word when the
/// assigned handler does.</para>
/// </remarks>
internal sealed partial class ConsumerLoop(
    string worker, ConsumerConfig config, Claimer claimer, IReadOnlyDictionary<string, Subscription> subscriptions, IReadOnlyList<Lane> lanes,
    WorkerOptions options, TimeProvider time, ILogger<ConsumerLoop> logger)
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_fullBeforePause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_revokeWait = TimeSpan.FromSeconds(2);

    // After this many records the lanes are told, even if more are waiting in the client.
    private const int BurstRecords = 500;

    private readonly Assignment _assignment = new();
    private readonly IntakeBudget _budget = new(options.MaxBufferedBytes);
    private readonly HashSet<Claim> _touched = [];
    private readonly Random _random = new();
    private bool _distrusted;
    private long _mirroredAt;

    /// <summary>Ends a claim that a lane found fenced; the partition is claimed again if the group still gives it to us.</summary>
    public void Fence(Claim claim) => _assignment.Fence(claim);

    /// <summary>Polls until told to stop, then leaves the group. Blocks: runs on a thread of its own.</summary>
    public void Run(Task lanesStopped, CancellationToken stopping)
    {
        var failures = 0;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                RunConsumer(lanesStopped, stopping);
            }
            // The loop boundary: a consumer that cannot go on is replaced by a new one.
            catch (Exception e)
            {
                _assignment.Clear();
                var pause = s_restart.After(++failures, _random);
                LogRestarting(logger, e, worker, pause.TotalSeconds);
                stopping.WaitHandle.WaitOne(pause);
            }
        }
    }

    private static readonly Backoff s_restart = new(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10));

    private void RunConsumer(Task lanesStopped, CancellationToken stopping)
    {
        using var consumer = Build();
        consumer.Subscribe(subscriptions.Keys);
        while (!stopping.IsCancellationRequested)
        {
            Poll(consumer);
            if (_distrusted)
                DistrustAll();
            ClaimDue(consumer);
            MirrorDue(consumer);
            WaitForRoom(consumer, stopping);
        }
        // Lanes finish what they have open; then the group may give the partitions away, with the mirror as fresh as can be.
        lanesStopped.Wait(CancellationToken.None);
        Mirror(consumer);
        consumer.Close();
        _assignment.Clear();
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
            for (var i = 0; i < BurstRecords && consumer.Consume(timeout) is { } result; i++)
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
            _distrusted = true;
            if (e.Error.IsFatal)
                throw;
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
        if (partition is not null && _assignment.TryGet(partition, out var claim))
        {
            Stopped?.Invoke(claim, exception.Error.Reason);
            _assignment.Defer(partition, time.GetTimestamp() + Ticks(TimeSpan.FromMinutes(1)), 0);
        }
    }

    /// <summary>Called when the broker does not have the position of a claim.</summary>
    public Action<Claim, string>? Stopped { get; set; }

    private void DistrustAll()
    {
        _distrusted = false;
        foreach (var claim in _assignment.Claims.ToArray())
            _assignment.Defer(claim.Partition, time.GetTimestamp(), 1);
    }

    /// <summary>While the buffers are full the client is not asked; only when that lasts are the partitions paused, which costs a refetch.</summary>
    private void WaitForRoom(IConsumer<byte[], byte[]> consumer, CancellationToken stopping)
    {
        if (!_budget.IsExhausted)
            return;
        var since = time.GetTimestamp();
        while (!_budget.HasRoom && time.GetElapsedTime(since) < s_fullBeforePause && !stopping.IsCancellationRequested)
            stopping.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(2));
        if (_budget.HasRoom || stopping.IsCancellationRequested)
            return;
        consumer.Pause(consumer.Assignment);
        while (!_budget.HasRoom && !stopping.IsCancellationRequested)
            Poll(consumer);
        consumer.Resume(consumer.Assignment);
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);
}
