using Onceward.Broker.Log;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Groups;

/// <summary>Appends a batch to a partition of __consumer_offsets: placed or refused before it returns, answered when it is safe.</summary>
internal delegate Task<AppendResult> AppendBatch(PartitionLog partition, Memory<byte> batch);

/// <summary>One partition of __consumer_offsets, with the transactions that hold offsets in it.</summary>
/// <remarks>
/// Relies on this of a log: an append is placed, or refused, before the call returns; only the wait for its safety is asynchronous. So appends
/// made under a group's lock lie in the order of the group's changes.
/// </remarks>
internal sealed class OffsetsLog(PartitionLog partition, AppendBatch append, Action<OffsetsLog> whenGrown, long rewriteAfter)
{
    private readonly Lock guard = new();
    private readonly Dictionary<long, HashSet<Group>> holders = [];
    private OffsetsRewrite? rewrite;
    private long appended;

    /// <summary>What comes of appending nothing.</summary>
    public static Task<AppendResult> Nothing { get; } = Task.FromResult(new AppendResult(ErrorCode.None, -1, -1, -1));

    public PartitionLog Partition => partition;

    /// <summary>Producers whose transactions hold offsets here.</summary>
    public int Holders
    {
        get
        {
            lock (guard)
                return holders.Count;
        }
    }

    /// <summary>How a broker appends.</summary>
    /// <remarks>Not with the request's token: what was begun is not taken back.</remarks>
    public static AppendBatch Appending { get; } = static (partition, batch) => partition.AppendInternalAsync(batch, CancellationToken.None).AsTask();

    /// <summary>Whether it is already known that nothing was appended.</summary>
    public static bool Failed(Task<AppendResult> append) => append.IsCompletedSuccessfully && append.Result.Error != ErrorCode.None;

    /// <summary>The error as clients of groups know it: they look for the coordinator again, and try again.</summary>
    public static ErrorCode ToClient(ErrorCode error) => error is ErrorCode.KafkaStorageError or ErrorCode.UnknownTopicOrPartition ? ErrorCode.NotCoordinator : error;

    public Task<AppendResult> Append(RecordBatchBuilder batch)
    {
        var appending = append(partition, batch.Build());
        if (!Failed(appending) && Interlocked.Add(ref appended, batch.SizeInBytes) >= rewriteAfter && TryBeginRewrite())
            whenGrown(this);
        return appending;
    }

    /// <summary>A group holds offsets for a producer's transaction.</summary>
    public void Hold(long producerId, Group group)
    {
        lock (guard)
        {
            if (!holders.TryGetValue(producerId, out var groups))
                holders.Add(producerId, groups = []);
            groups.Add(group);
        }
    }

    /// <summary>Nothing was stored after all. Under the group's lock.</summary>
    public void Release(long producerId, Group group)
    {
        if (group.Offsets.PendingProducers.Contains(producerId))
            return;
        lock (guard)
        {
            if (holders.TryGetValue(producerId, out var groups) && groups.Remove(group) && groups.Count == 0)
                holders.Remove(producerId);
        }
    }

    public void TransactionEnded(long producerId, bool committed)
    {
        HashSet<Group>? groups;
        lock (guard)
            holders.Remove(producerId, out groups);
        foreach (var group in groups ?? [])
        {
            lock (group.Guard)
            {
                var keys = group.Offsets.End(producerId, committed);
                Rewriting?.Catch(group, keys);
            }
        }
        Rewriting?.FinishIfDone();
    }

    /// <summary>Offsets of a group were deleted. Under the group's lock.</summary>
    public void Forgotten(Group group, IReadOnlyCollection<OffsetKey> keys) => Rewriting?.Forget(group, keys);

    /// <summary>Writes what counts again, so that all before it can go.</summary>
    /// <param name="groups">Those whose state is in this partition, and others.</param>
    public void Rewrite(IEnumerable<Group> groups)
    {
        var current = Rewriting;
        if (current is null)
            return;
        foreach (var group in groups)
        {
            if (group.Log != this)
                continue;
            lock (group.Guard)
                current.Write(group);
        }
        current.AllWritten();
    }

    private OffsetsRewrite? Rewriting
    {
        get
        {
            lock (guard)
                return rewrite;
        }
    }

    private bool TryBeginRewrite()
    {
        lock (guard)
        {
            if (rewrite is not null)
                return false;
            appended = 0;
            rewrite = new OffsetsRewrite(partition, EndRewrite);
            return true;
        }
    }

    private void EndRewrite()
    {
        lock (guard)
            rewrite = null;
    }
}
