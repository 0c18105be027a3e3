namespace Onceward.Broker.Log;

/// <summary>A leader epoch and the first offset written in it.</summary>
internal readonly record struct EpochStart(int Epoch, long StartOffset);

/// <summary>Which epoch each offset was written in. Guarded by the log's lock.</summary>
internal sealed class LeaderEpochs
{
    private readonly List<EpochStart> starts = [];

    public IReadOnlyList<EpochStart> Starts => starts;

    /// <summary>Whether the epoch is new here; a lower one than the last is not taken.</summary>
    public bool Assign(int epoch, long startOffset)
    {
        if (starts.Count > 0 && starts[^1].Epoch >= epoch)
            return false;
        // An epoch in which nothing was written is of no use to anybody.
        starts.RemoveAll(start => start.StartOffset >= startOffset);
        starts.Add(new EpochStart(epoch, startOffset));
        return true;
    }

    /// <summary>Forgets what lies wholly before the log's start.</summary>
    public bool CutStart(long startOffset)
    {
        var last = starts.FindLastIndex(start => start.StartOffset <= startOffset);
        if (last < 0 || (last == 0 && starts[0].StartOffset == startOffset))
            return false;
        starts[last] = starts[last] with { StartOffset = startOffset };
        starts.RemoveRange(0, last);
        return true;
    }

    public void CutEnd(long endOffset) => starts.RemoveAll(start => start.StartOffset >= endOffset);

    public int At(long offset)
    {
        var index = starts.FindLastIndex(start => start.StartOffset <= offset);
        return index < 0 ? -1 : starts[index].Epoch;
    }

    /// <summary>As OffsetForLeaderEpoch wants it: the largest known epoch not above, and the start of the one after it.</summary>
    /// <param name="epoch">Asked for.</param>
    /// <param name="current">The epoch of this start, in which nothing may have been written yet.</param>
    /// <param name="logEnd">Where it ends so far.</param>
    public (int Epoch, long EndOffset) EndOf(int epoch, int current, long logEnd)
    {
        if (epoch == current)
            return (epoch, logEnd);
        if (epoch < 0 || epoch > current || starts.Count == 0)
            return (-1, -1);
        var higher = starts.FindIndex(start => start.Epoch > epoch);
        if (higher < 0)
            return (starts[^1].Epoch, logEnd);
        return (higher == 0 ? epoch : starts[higher - 1].Epoch, starts[higher].StartOffset);
    }
}
