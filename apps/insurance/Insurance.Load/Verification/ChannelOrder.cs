namespace Insurance.Load.Verification;

/// <summary>Whether the numbers that the relay gave its records are dense and increasing, seen from the topics.</summary>
/// <remarks>
/// A channel may write several partitions and topics (dead letters are in it too), between which there is no order: its numbers must increase in each
/// of them, and be dense over all. Only what lies between records of the chosen runs counts, because a channel that belongs to a
/// database of before may have used the same numbers. Memory: one interval for each unbroken series of numbers.
/// </remarks>
internal sealed class ChannelOrder
{
    private readonly Dictionary<(int Channel, string Topic, int Partition), Series> _series = [];
    private readonly Dictionary<int, (long First, long Last)> _ofRuns = [];
    private readonly List<string> _examples = [];
    private long _outOfOrder;

    /// <summary>Takes the records of each partition in the order of their offsets.</summary>
    /// <param name="topic">Where the record is.</param>
    /// <param name="partition">Its partition.</param>
    /// <param name="number">What its headers say.</param>
    /// <param name="isOfRun">Whether it belongs to a chosen run.</param>
    public void Observe(string topic, int partition, ChannelNumber number, bool isOfRun)
    {
        var key = (number.Channel, topic, partition);
        if (!_series.TryGetValue(key, out var series))
        {
            // Before a channel's first record of a run, nothing can be between two of them.
            if (!isOfRun && !_ofRuns.ContainsKey(number.Channel))
                return;
            _series.Add(key, series = new Series());
        }

        if (!series.Add(number.Seq, isOfRun))
            Note($"channel {number.Channel}: {number.Seq} after a later number in {topic}/{partition}");
        if (!isOfRun)
            return;
        var (first, last) = _ofRuns.GetValueOrDefault(number.Channel, (number.Seq, number.Seq));
        _ofRuns[number.Channel] = (Math.Min(first, number.Seq), Math.Max(last, number.Seq));
    }

    /// <summary>Numbers out of order, and numbers that are missing between those of the runs.</summary>
    public Finding Finish()
    {
        foreach (var (channel, (first, last)) in _ofRuns)
        {
            var expected = first;
            var intervals = _series.Where(pair => pair.Key.Channel == channel).SelectMany(pair => pair.Value.Intervals).Order();
            foreach (var (from, to) in intervals)
            {
                if (from > expected && expected <= last)
                    Note($"channel {channel}: {expected} to {Math.Min(from - 1, last)} missing", Math.Min(from, last + 1) - expected);
                expected = Math.Max(expected, to + 1);
            }
        }

        return new Finding(_outOfOrder, [.. _examples]);
    }

    private void Note(string example, long count = 1)
    {
        _outOfOrder += count;
        if (_examples.Count < Finding.MaxExamples)
            _examples.Add(example);
    }

    private sealed class Series
    {
        private long _last;
        private bool _isOfRun;

        public List<(long From, long To)> Intervals { get; } = [];

        /// <summary>False where a record of a run does not increase the number, counted from the first such record here.</summary>
        public bool Add(long seq, bool isOfRun)
        {
            if (Intervals.Count > 0 && Intervals[^1].To == seq - 1)
                Intervals[^1] = (Intervals[^1].From, seq);
            else
                Intervals.Add((seq, seq));
            var increases = !isOfRun || !_isOfRun || seq > _last;
            _isOfRun |= isOfRun;
            _last = seq;
            return increases;
        }
    }
}
