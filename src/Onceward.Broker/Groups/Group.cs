using Microsoft.Extensions.Logging;
using Onceward.Broker.Log;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Groups;

/// <summary>One group: its members, its offsets, the log that keeps both, and its one timer.</summary>
/// <remarks>
/// <para>Guarantee: records lie in the log in the order in which the group changed, because both happen under <see cref="Guard"/>.</para>
/// <para>Concurrency: everything here is done under <see cref="Guard"/>, which is never held while something is awaited. Lock order: group, then
/// offsets log, then partition.</para>
/// <para>Crash: memory is a view of the log. What was appended and not yet flushed may be seen by others before it is safe, as in Kafka
/// without a flush; it is answered only when it is safe.</para>
/// </remarks>
internal sealed class Group : IDisposable
{
    private readonly TimeProvider time;
    private readonly GroupClock clock;
    private readonly ILogger logger;
    private ITimer? timer;
    private long armedFor = GroupMember.Never;

    public Group(string id, OffsetsLog log, GroupRules rules, TimeProvider time, ILogger logger, GroupOffsets? offsets = null)
    {
        (Id, Log, Offsets, this.time, this.logger) = (id, log, offsets ?? new(), time, logger);
        clock = new GroupClock(time);
        Members = new ClassicGroup(id, rules, clock, logger);
    }

    public string Id { get; }

    public Lock Guard { get; } = new();

    public ClassicGroup Members { get; }

    public GroupOffsets Offsets { get; }

    public OffsetsLog Log { get; }

    /// <summary>What the log holds of the members; null: nothing.</summary>
    public GroupRecord? Saved { get; private set; }

    public bool IsDead => Members.IsDead;

    public RecordBatchBuilder NewBatch() => new(clock.Wall);

    /// <summary>Takes in what the log held.</summary>
    public void Load(GroupRecord? record)
    {
        Saved = record;
        if (record is not null)
            Members.Cycle.Load(record);
        Settle();
    }

    /// <summary>To be called before anything is asked of it: a deadline counts from its very moment, however late its timer comes.</summary>
    public void CatchUp()
    {
        if (Members.Cycle.NextDeadline > clock.Now)
            return;
        Members.Cycle.OnTime();
        Settle();
    }

    /// <summary>To be called after each change: saves what the members' state asks to save, and sets the timer.</summary>
    public void Settle()
    {
        while (Members.Cycle.TryTakeSave(out var save))
        {
            Saved = save.Record;
            var append = Log.Append(NewBatch().Add(GroupRecords.KeyOf(Id), GroupRecords.ValueOf(save.Record)));
            if (append.IsCompletedSuccessfully)
                Tell(save, append.Result);
            else
                _ = TellWhenSavedAsync(save, append);
        }
        if (Members.Cycle.NextDeadline >= armedFor || IsDead)
            return;
        armedFor = Members.Cycle.NextDeadline;
        timer ??= time.CreateTimer(static group => ((Group)group!).OnTime(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        timer.Change(TimeSpan.FromMilliseconds(Math.Max(armedFor - clock.Now, 1)), Timeout.InfiniteTimeSpan);
    }

    /// <summary>Takes it out for good: whoever waited for the lock finds it dead and looks again.</summary>
    public void Die()
    {
        Members.Cycle.Die();
        Dispose();
    }

    public void Dispose() => timer?.Dispose();

    /// <summary>Forgets these offsets, in the log too.</summary>
    public Task<AppendResult> RemoveOffsets(IReadOnlyCollection<OffsetKey> keys, bool andGroup = false)
    {
        var batch = NewBatch();
        foreach (var key in keys)
            batch.AddTombstone(GroupRecords.KeyOf(Id, key));
        if (andGroup)
            batch.AddTombstone(GroupRecords.KeyOf(Id));
        if (batch.Count == 0)
            return OffsetsLog.Nothing;
        var append = Log.Append(batch);
        if (OffsetsLog.Failed(append))
            return append;
        foreach (var key in keys)
            Offsets.Remove(key);
        Log.Forgotten(this, keys);
        return append;
    }

    private void OnTime()
    {
        try
        {
            lock (Guard)
            {
                if (IsDead)
                    return;
                armedFor = GroupMember.Never;
                CatchUp();
                Settle();
            }
        }
        catch (Exception e) // The boundary of a timer: an exception would end the process.
        {
            logger.GroupsFailed(e);
        }
    }

    private async Task TellWhenSavedAsync(GroupSave save, Task<AppendResult> append)
    {
        AppendResult result;
        try
        {
            result = await append.ConfigureAwait(false);
        }
        catch (Exception e) // Nobody awaits this: whoever waits for the save must still be told.
        {
            result = new AppendResult(ErrorCode.KafkaStorageError, -1, -1, -1, e.Message);
        }
        lock (Guard)
        {
            Tell(save, result);
            Settle();
        }
    }

    private void Tell(GroupSave save, in AppendResult result)
    {
        if (result.Error != ErrorCode.None)
            logger.GroupSaveFailed(Id, result.Error, result.Message);
        save.Saved?.Invoke(OffsetsLog.ToClient(result.Error));
    }
}
