using Confluent.Kafka;
using Onceward.Ledger;

namespace Onceward.Intake;

/// <summary>The partitions that the group gave us and the ledger has not granted yet: tried again in the background while the others run.</summary>
/// <remarks>Belongs to the poll thread; only the attempts run elsewhere, and their results are fetched from here.</remarks>
internal sealed class WaitingClaims(Claimer claimer, FrozenOwner frozen, WorkerOptions options, TimeProvider time)
{
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_retryAfterFailure = TimeSpan.FromSeconds(1);

    private readonly Dictionary<TopicPartition, Waiting> _waiting = [];
    private readonly List<Attempt> _attempts = [];

    public int Count => _waiting.Count;

    public IEnumerable<TopicPartition> Partitions => _waiting.Keys;

    public bool TryGet(TopicPartition partition, out Waiting waiting) => _waiting.TryGetValue(partition, out waiting!);

    public void Add(IEnumerable<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
            _waiting[partition] = new Waiting();
    }

    public void Remove(TopicPartition partition) => _waiting.Remove(partition);

    public void Clear() => _waiting.Clear();

    /// <summary>Starts an attempt for those that have none and are due.</summary>
    public void Try(CancellationToken stopping)
    {
        var now = time.GetTimestamp();
        var due = _waiting.Where(w => !w.Value.IsTrying && w.Value.NextTry <= now).ToArray();
        if (due.Length == 0)
            return;
        var frozenKeys = due.Where(d => d.Value.HeldSince is { } held && time.GetElapsedTime(held, now) > options.FrozenOwnerGrace)
            .Select(d => d.Value.Key!.Value).ToArray();
        foreach (var (_, waiting) in due)
            waiting.IsTrying = true;
        var partitions = due.Select(d => d.Key).ToArray();
        _attempts.Add(new Attempt(partitions, Task.Run(() => RunAsync(partitions, frozenKeys, stopping), CancellationToken.None)));
    }

    /// <summary>Waits until no attempt is under way.</summary>
    public void Wait(TimeSpan atMost)
    {
        if (_attempts.Count > 0)
            Task.WaitAny(Task.WhenAll(_attempts.Select(a => a.Task)), Task.Delay(atMost, time));
    }

    /// <summary>What the attempts have brought since the last call, less what was taken away meanwhile.</summary>
    /// <param name="failed">Told of an attempt that failed; its partitions are tried again.</param>
    public ClaimResult Take(Action<Exception, int> failed)
    {
        var (granted, refused, stopped) = (new List<Grant>(), new List<Refusal>(), new List<Stop>());
        foreach (var attempt in _attempts.FindAll(a => a.Task.IsCompleted))
        {
            _attempts.Remove(attempt);
            foreach (var partition in attempt.Partitions)
                if (_waiting.TryGetValue(partition, out var waiting))
                    waiting.Postpone(time, attempt.Task.IsCompletedSuccessfully ? s_retry : s_retryAfterFailure);
            if (!attempt.Task.IsCompletedSuccessfully)
            {
                failed(attempt.Task.Exception?.InnerException ?? new OperationCanceledException(), attempt.Partitions.Length);
                continue;
            }
            var result = attempt.Task.Result;
            granted.AddRange(result.Granted.Where(g => _waiting.ContainsKey(g.Partition)));
            stopped.AddRange(result.Stopped.Where(s => _waiting.ContainsKey(s.Partition)));
            foreach (var refusal in result.Refused)
                if (_waiting.TryGetValue(refusal.Partition, out var waiting))
                {
                    waiting.Note(refusal, time);
                    refused.Add(refusal);
                }
        }
        return new ClaimResult(granted, refused, stopped);
    }

    private async Task<ClaimResult> RunAsync(IReadOnlyCollection<TopicPartition> partitions, PartitionKey[] frozenKeys, CancellationToken stopping)
    {
        // Two rows may be held by one session: the second then is free already, and the look at it short.
        foreach (var key in frozenKeys)
            await frozen.EndAsync(key, stopping).ConfigureAwait(false);
        return await claimer.ClaimAsync(partitions, stopping).ConfigureAwait(false);
    }

    private sealed record Attempt(TopicPartition[] Partitions, Task<ClaimResult> Task);
}

/// <summary>One partition that waits for its claim.</summary>
internal sealed class Waiting
{
    // The client is paused as soon as it may be; what it delivers until then is a handful.
    private const int MostRecords = 10_000;

    /// <summary>Where the client was started meanwhile; nothing before it was told.</summary>
    public long? StartedAt { get; set; }

    /// <summary>What the client delivered before it was paused.</summary>
    public List<Record> Records { get; } = [];

    public bool IsTrying { get; set; }

    public long NextTry { get; private set; }

    /// <summary>Since when a running transaction has held the row.</summary>
    public long? HeldSince { get; private set; }

    public PartitionKey? Key { get; private set; }

    /// <summary>Where the client may begin while we wait, if that is known.</summary>
    public long? Start { get; private set; }

    public bool TryKeep(Record record)
    {
        Records.Add(record);
        return Records.Count <= MostRecords;
    }

    public void Postpone(TimeProvider time, TimeSpan pause)
    {
        IsTrying = false;
        NextTry = time.GetTimestamp() + (long)(pause.TotalSeconds * time.TimestampFrequency);
    }

    public void Note(Refusal refusal, TimeProvider time)
    {
        HeldSince = refusal.HeldKey is null ? null : HeldSince ?? time.GetTimestamp();
        (Key, Start) = (refusal.HeldKey, refusal.Start ?? Start);
    }
}
