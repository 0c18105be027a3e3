using Confluent.Kafka;
using Onceward.Handling;
using Onceward.Ledger;

namespace Onceward.Intake;

/// <summary>Our ownership of one partition, from the claim to its end, with the records that wait for their lane.</summary>
/// <remarks>
/// <b>Concurrency:</b> the poll thread adds, one lane takes; both under the lock of the queue. Position and failure belong to the lane alone.
/// A claim never comes back to life: the next ownership of the partition is another claim, under a higher epoch.
/// </remarks>
internal sealed class Claim(Subscription subscription, TopicPartition partition, OffsetRow row, IntakeBudget budget)
{
    private readonly Lock _lock = new();
    private readonly Queue<Record> _waiting = [];
    // Taken and not applied, the next one on top; these come before what waits.
    private readonly Stack<Record> _returned = [];
    private long _endOffset;
    private long _nextToAdd = row.NextOffset;
    private long _position = row.NextOffset;
    private volatile bool _ended;
    private volatile int _inFlight;

    public Subscription Subscription => subscription;

    public TopicPartition Partition => partition;

    public PartitionKey Key => row.Key;

    public Epoch Epoch => row.Epoch;

    /// <summary>The record that was applied last when the partition was claimed.</summary>
    public Anchor? Anchor => row.Anchor;

    /// <summary>Whether the log is the one that the ledger knows. Belongs to the poll thread.</summary>
    public LogCheck Check { get; init; } = new(row, row.NextOffset);

    /// <summary>The position when the topic was last seen to be the same.</summary>
    public long CheckedPosition { get; set; } = row.NextOffset;

    /// <summary>The next offset that the ledger expects of us. Never "the first record we got": offsets have legal gaps.</summary>
    public long Position
    {
        get => Volatile.Read(ref _position);
        set => Volatile.Write(ref _position, value);
    }

    /// <summary>The record at the head that can be neither applied nor parked, if there is one.</summary>
    public HeadFailure? Failure { get; set; }

    /// <summary>
    /// Whether a record may have to go behind a parked key, so that batches must look. False once the ledger had no parked key for the topic in the
    /// claim's own round trip or after it. Who parks one later (a claim from which the key has moved, a person who sends a dead letter back) is
    /// seen by the batch before it commits.
    /// </summary>
    public bool MayHaveParkedKeys { get; set; } = true;

    /// <summary>Tells the claim's lane that there may be something to do.</summary>
    public required Action Wake { get; init; }

    /// <summary>The offset that the Kafka group was told. Belongs to the poll thread.</summary>
    public long Mirrored { get; set; }

    /// <summary>When the position last moved to the end of the log without effects.</summary>
    public long? ReachedEndAt { get; set; }

    /// <summary>Whether nothing more of this claim may be started: revoked, lost, fenced, or out of doubt repositioned.</summary>
    public bool HasEnded => _ended;

    /// <summary>Whether a batch with records of this claim is open.</summary>
    public bool IsInFlight
    {
        get => _inFlight != 0;
        set => _inFlight = value ? 1 : 0;
    }

    public void Add(Record record)
    {
        lock (_lock)
        {
            // What the client had fetched before a repositioning may still arrive. And should it ever deliver a record twice, the
            // compare-and-swap would not notice: both lie in the batch's interval.
            if (_ended || record.Offset.Value < _nextToAdd)
                return;
            _nextToAdd = record.Offset.Value + 1;
            _waiting.Enqueue(record);
            budget.Take(SizeOf(record));
        }
    }

    /// <summary>Whether all that was added is applied or set aside.</summary>
    public bool IsDrained
    {
        get
        {
            lock (_lock)
                return Position >= _nextToAdd;
        }
    }

    /// <summary>The client has delivered everything below <paramref name="offset"/>.</summary>
    public void ReachEnd(long offset)
    {
        lock (_lock)
            _endOffset = offset;
    }

    /// <summary>Takes records in order while <paramref name="accept"/> agrees; those that a COMMIT once in doubt has applied are dropped.</summary>
    public void Take(List<Record> into, Func<Record, bool> accept)
    {
        lock (_lock)
        {
            while (_returned.TryPeek(out var head) || _waiting.TryPeek(out head))
            {
                var applied = head.Offset.Value < Position;
                if (!applied && !accept(head))
                    return;
                if (!applied)
                    into.Add(head);
                budget.Release(SizeOf(head));
                if (!_returned.TryPop(out _))
                    _waiting.Dequeue();
            }
        }
    }

    /// <summary>Puts records back that a batch took but did not apply.</summary>
    public void PutBack(ReadOnlySpan<Record> records)
    {
        lock (_lock)
        {
            if (_ended)
                return;
            for (var i = records.Length - 1; i >= 0; i--)
            {
                _returned.Push(records[i]);
                budget.Take(SizeOf(records[i]));
            }
        }
    }

    /// <summary>
    /// The end of the log, if everything below it has been applied and only control records or compacted ones lie between: the position
    /// may move there without effects.
    /// </summary>
    public bool TryReachEnd(out long endOffset)
    {
        lock (_lock)
        {
            endOffset = _endOffset;
            return !_ended && _waiting.Count + _returned.Count == 0 && _endOffset > Position;
        }
    }

    public int WaitingCount
    {
        get
        {
            lock (_lock)
                return _waiting.Count + _returned.Count;
        }
    }

    public void End()
    {
        lock (_lock)
        {
            _ended = true;
            foreach (var record in _waiting.Concat(_returned))
                budget.Release(SizeOf(record));
            _waiting.Clear();
            _returned.Clear();
        }
    }

    // What the client allocates around a record, by the size of its objects: an estimate that keeps empty records from being free.
    private const int RecordOverheadBytes = 300;

    internal static long SizeOf(Record record) =>
        RecordOverheadBytes + (record.Message.Key?.Length ?? 0) + (record.Message.Value?.Length ?? 0);
}

/// <summary>The record at the head of a partition blocks it, was tried this often, and waits until then.</summary>
internal sealed record HeadFailure(long Offset, int Attempts, long RetryAt, string Because);
