using Onceward.Broker.Groups;
using Onceward.Broker.Log;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Tests.Groups;

/// <summary>When what a group appended is safe, whether the disk fails, and what a crash leaves of the rest: a test says so.</summary>
/// <remarks>The batches are those of one group, so they lie in one partition.</remarks>
internal sealed class TestDisk
{
    private readonly List<byte[]> batches = [];
    private readonly Queue<(TaskCompletionSource<AppendResult> Answer, AppendResult Result)> unsafeOnes = new();
    private int safe;

    /// <summary>Appends are safe when <see cref="Flush"/> says so; else at once.</summary>
    public bool IsSlow { get; set; }

    /// <summary>It takes nothing more until the broker is started again.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>What is safely in the log of the group's members; null: nothing.</summary>
    public GroupRecord? Group { get; private set; }

    /// <summary>What somebody else does right behind the next append, before its caller goes on.</summary>
    public Action<PartitionLog>? Behind { get; set; }

    public Task<AppendResult> Append(PartitionLog partition, Memory<byte> batch)
    {
        var appending = Place(partition, batch);
        var behind = Behind;
        Behind = null;
        behind?.Invoke(partition);
        return appending;
    }

    private Task<AppendResult> Place(PartitionLog partition, Memory<byte> batch)
    {
        if (IsBroken)
            return Task.FromResult(new AppendResult(ErrorCode.KafkaStorageError, -1, -1, -1, "the disk is broken"));
        var bytes = batch.ToArray(); // Before the log writes the offset into it.
        var result = partition.AppendInternalAsync(batch, CancellationToken.None).AsTask().Now();
        if (result.Error != ErrorCode.None)
            return Task.FromResult(result);
        batches.Add(bytes);
        var answer = new TaskCompletionSource<AppendResult>(); // What waits for it runs at once, so that a seed always gives the same.
        unsafeOnes.Enqueue((answer, result));
        if (!IsSlow)
            Flush();
        return answer.Task;
    }

    /// <summary>What was appended is safe, the oldest first.</summary>
    public void Flush(int most = int.MaxValue)
    {
        for (; most > 0 && unsafeOnes.TryDequeue(out var oldest); most--)
        {
            Take(batches[safe++]);
            oldest.Answer.SetResult(oldest.Result);
        }
    }

    /// <summary>A flush fails: nobody knows what of the rest is there.</summary>
    public void Break()
    {
        IsBroken = true;
        while (unsafeOnes.TryDequeue(out var oldest))
            oldest.Answer.SetResult(new AppendResult(ErrorCode.KafkaStorageError, -1, -1, -1, "the flush failed"));
    }

    /// <summary>The broker dies, and with it who waits; of what was not safe the first few are there at the next start.</summary>
    public IReadOnlyList<byte[]> Crash(Random? random)
    {
        var kept = random?.Next(safe, batches.Count + 1) ?? batches.Count;
        batches.RemoveRange(kept, batches.Count - kept);
        while (safe < kept)
            Take(batches[safe++]);
        unsafeOnes.Clear();
        IsBroken = false;
        return batches;
    }

    private void Take(byte[] bytes)
    {
        foreach (var batch in RecordReader.Batches(bytes))
        {
            RecordReader.TryRead(batch, out var records).ShouldBeTrue();
            foreach (var record in records)
            {
                if (GroupRecords.Read(record.Key!.Value, record.Value) is { Key: null } fact)
                    Group = fact.Group;
            }
        }
    }
}
