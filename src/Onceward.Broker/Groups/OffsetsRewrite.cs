using Onceward.Broker.Log;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Groups;

/// <summary>One rewriting of an offsets partition: every group's state is appended anew, then the log's start moves to where that began.</summary>
/// <remarks>
/// <para>Guarantee: at every moment the records from the log's start on give the state that memory has.</para>
/// <para>Order: an offset that an open transaction also holds is not written anew before that transaction ends. It would lie behind what the
/// transaction holds, and win over it on the next start.</para>
/// <para>Concurrency: each group under its own lock, one after the other; requests go on meanwhile.</para>
/// <para>Crash: until the start has moved, nothing is gone; what was written twice says the same twice. An append that fails ends the attempt.</para>
/// </remarks>
internal sealed class OffsetsRewrite(PartitionLog partition, Action ended)
{
    private const int BatchBytes = 512 * 1024; // Small beside a segment, large beside a record.

    private readonly Lock guard = new();
    private readonly long begin = partition.HighWatermark;
    private readonly HashSet<(Group Group, OffsetKey Key)> held = [];
    private bool written;
    private bool over;

    /// <summary>Appends a group's state. Under the group's lock.</summary>
    public void Write(Group group)
    {
        if (group.IsDead)
            return;
        lock (guard)
            held.UnionWith(group.Offsets.PendingKeys.Select(key => (group, key)));
        var batch = group.NewBatch();
        if (group.Saved is { } saved)
            batch.Add(GroupRecords.KeyOf(group.Id), GroupRecords.ValueOf(saved));
        foreach (var (key, stored) in group.Offsets.Committed)
        {
            if (group.Offsets.IsPending(key))
                continue;
            batch.Add(GroupRecords.KeyOf(group.Id, key), GroupRecords.ValueOf(stored));
            if (batch.SizeInBytes >= BatchBytes)
            {
                Append(batch);
                batch = group.NewBatch();
            }
        }
        Append(batch);
    }

    /// <summary>A transaction that held these has ended: what counts now is written anew. Under the group's lock.</summary>
    public void Catch(Group group, IReadOnlyCollection<OffsetKey> keys)
    {
        var batch = group.NewBatch();
        foreach (var key in keys)
        {
            if (group.Offsets.IsPending(key))
                continue;
            lock (guard)
            {
                if (!held.Remove((group, key)))
                    continue;
            }
            if (group.Offsets.TryGet(key, out var stored))
                batch.Add(GroupRecords.KeyOf(group.Id, key), GroupRecords.ValueOf(stored));
        }
        Append(batch);
    }

    /// <summary>These offsets were deleted, so that nothing has to be written anew. Under the group's lock.</summary>
    public void Forget(Group group, IReadOnlyCollection<OffsetKey> keys)
    {
        lock (guard)
            held.ExceptWith(keys.Select(key => (group, key)));
    }

    public void AllWritten()
    {
        lock (guard)
            written = true;
        FinishIfDone();
    }

    /// <summary>Under no lock of a group.</summary>
    public void FinishIfDone()
    {
        lock (guard)
        {
            if (over || !written || held.Count > 0)
                return;
            over = true;
        }
        _ = FinishAsync();
    }

    private async Task FinishAsync()
    {
        try
        {
            await partition.FlushAsync(CancellationToken.None).ConfigureAwait(false);
            // What open transactions hold must stay: their records come after the first of them.
            partition.DeleteRecords(Math.Min(begin, partition.LastStableOffset));
        }
        catch (IOException)
        {
            // The disk is in trouble: the old records stay, which costs room and nothing else.
        }
        finally
        {
            ended();
        }
    }

    private void Append(RecordBatchBuilder batch)
    {
        if (batch.Count == 0)
            return;
        var append = partition.AppendInternalAsync(batch.Build(), CancellationToken.None);
        if (!append.IsCompletedSuccessfully || append.Result.Error == ErrorCode.None)
            return;
        lock (guard)
        {
            if (over)
                return;
            over = true;
        }
        ended();
    }
}
