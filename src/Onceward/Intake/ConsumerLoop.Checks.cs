using Confluent.Kafka;
using Onceward.Handling;
using Onceward.Ledger;

namespace Onceward.Intake;

/// <summary>What must not go on, and what the watch has seen.</summary>
internal sealed partial class ConsumerLoop
{
    private static readonly TimeSpan s_brokerWait = TimeSpan.FromSeconds(5);
    private static readonly Backoff s_note = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));

    // A broker that has just become leader may deny a position once, and bytes may be damaged on their way. What three clients in a row meet is meant.
    private const int TimesForGood = 3;

    private readonly Dictionary<TopicPartition, PartitionKey?> _stopped = [];
    private readonly Dictionary<TopicPartition, int> _denied = [];
    private readonly Dictionary<TopicPartition, (long Offset, int Times)> _corrupt = [];
    private readonly Dictionary<TopicPartition, (Claim Claim, long At, string Reason)> _draining = [];
    private readonly HashSet<TopicPartition> _toPause = [];
    private readonly HashSet<TopicPartition> _toResume = [];
    private readonly HashSet<TopicPartition> _paused = [];
    private IReadOnlyList<string> _missing = [];
    private Task<Sighting>? _looking;
    private long _lookedAt;

    private void PauseSoon(TopicPartition partition)
    {
        _toPause.Add(partition);
        _toResume.Remove(partition);
    }

    private void ResumeSoon(TopicPartition partition)
    {
        _toPause.Remove(partition);
        // The client remembers that it paused a partition even when that goes and comes back; one that it did not pause is left alone.
        if (_paused.Contains(partition))
            _toResume.Add(partition);
    }

    private void PauseAndResume(IConsumer<byte[], byte[]> consumer)
    {
        if (_toPause.Count + _toResume.Count == 0)
            return;
        var assigned = consumer.Assignment.ToHashSet();
        _toPause.IntersectWith(assigned);
        _toResume.IntersectWith(assigned);
        consumer.Pause(_toPause);
        consumer.Resume(_toResume);
        _paused.UnionWith(_toPause);
        _paused.ExceptWith(_toResume);
        _toPause.Clear();
        _toResume.Clear();
    }

    private void ForgetStops()
    {
        _draining.Clear();
        _stopped.Clear();
        _toPause.Clear();
        _toResume.Clear();
        _paused.Clear();
    }

    /// <summary>What a finding about a log means. Returns whether the record may be taken.</summary>
    private bool MayGoOn(Claim claim, LogFinding finding, Record record)
    {
        var at = record.Offset.Value;
        switch (finding)
        {
            case LogFinding.EndsEarly:
                // The next claim finds out whether the log was cut or its leader is only new.
                Replace($"{claim.Partition} ends at {at}, before the ledger's position");
                return false;
            case LogFinding.AnchorMissing:
                return MayLackAnchor(claim, at);
            case LogFinding.AnotherRecord:
                StopClaim(claim, IncidentStore.LogDiverged, at, $"at {at} lies another record than the one that was applied last: the log was cut and written anew");
                return false;
            case LogFinding.UnknownRecord:
                StopClaim(claim, IncidentStore.LogDiverged, at, $"at {at}, before the ledger's position, lies a record that was not there when the position passed it");
                return false;
            case LogFinding.LeaderEpochWentBack:
                StopClaim(claim, IncidentStore.LogDiverged, at, $"the record at {at} was written under an older leader (epoch {record.LeaderEpoch}) than one before it: this is another log");
                return false;
            default:
                return true;
        }
    }

    private bool MayLackAnchor(Claim claim, long at)
    {
        bool mayLack;
        try
        {
            // The poll thread waits: it is a rare question, and nothing of the partition may be applied before the answer.
            mayLack = claimer.MayLackAnchorAsync(claim.Partition, claim.Anchor!.Value, _stopping).WaitAsync(s_brokerWait, time, _stopping).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is KafkaException or OncewardException or TimeoutException or OperationCanceledException)
        {
            Replace($"nothing was learned about the record before the position of {claim.Partition}");
            return false;
        }
        if (mayLack)
        {
            claim.Check.GoOnWithoutAnchor();
            LogAnchorGone(logger, worker, claim.Partition.ToString());
        }
        else
        {
            StopClaim(claim, IncidentStore.LogDiverged, at, $"the log goes on at {at}, but the record that was applied last is neither there nor deleted by retention or compaction");
        }
        return mayLack;
    }

    /// <summary>
    /// Whether the client can go on although it could not read a partition: one that is not read, or that failed so often that nothing else is to be
    /// expected, and is stopped. The partitions beside it are none the worse.
    /// </summary>
    private bool MayGoOnAfter(ConsumeException exception)
    {
        var isDenied = exception.Error.Code is ErrorCode.Local_AutoOffsetReset;
        var isCorrupt = exception.Error.Code is ErrorCode.Local_BadMsg or ErrorCode.Local_BadCompression or ErrorCode.InvalidMsg;
        if ((!isDenied && !isCorrupt) || exception.ConsumerRecord?.TopicPartition is not { } partition)
            return false;
        // Stopped or waiting, and placed where the log may not reach, see StartOfWaiting. A new client would be placed there again, and the
        // partitions beside it would never be read.
        if (!_assignment.TryGet(partition, out var claim))
        {
            // The client passes over what it could not read, or does not fetch it again by itself: whenever the claim is granted, a new client has
            // to begin it.
            if (waiting.TryGet(partition, out var waits))
                waits.StartedAt = long.MaxValue;
            return true;
        }
        return isDenied ? IsDeniedForGood(claim, exception) : IsCorruptForGood(claim, exception);
    }

    private bool IsDeniedForGood(Claim claim, ConsumeException exception)
    {
        if ((_denied[claim.Partition] = _denied.GetValueOrDefault(claim.Partition) + 1) < TimesForGood)
            return false;
        _denied.Remove(claim.Partition);
        StopClaim(claim, IncidentStore.OffsetOutOfRange, claim.Position, $"the broker does not have the position: {exception.Error.Reason}");
        return true;
    }

    private bool IsCorruptForGood(Claim claim, ConsumeException exception)
    {
        // What lies before it is read each time anew, so that only the place tells whether it is the same batch.
        var at = exception.ConsumerRecord.Offset.Value;
        var times = _corrupt.TryGetValue(claim.Partition, out var before) && before.Offset == at ? before.Times + 1 : 1;
        _corrupt[claim.Partition] = (at, times);
        if (times < TimesForGood)
            return false;
        _corrupt.Remove(claim.Partition);
        PauseSoon(claim.Partition);
        _draining[claim.Partition] = (claim, at, $"the batch at {at} cannot be read: {exception.Error.Reason}");
        return true;
    }

    /// <summary>Whether what the client delivers of the partition lies behind a batch that it could not read.</summary>
    private bool IsBehindCorrupt(Claim claim) => _draining.Count > 0 && _draining.TryGetValue(claim.Partition, out var end) && end.Claim == claim;

    /// <summary>
    /// Stops the partitions of which all is applied that lies before a batch that cannot be read: whoever decides to pass over the batch must not pass
    /// over anything else.
    /// </summary>
    private void StopDrained()
    {
        if (_draining.Count == 0)
            return;
        foreach (var (partition, (claim, at, reason)) in _draining.ToArray())
        {
            if (!claim.HasEnded && !claim.IsDrained)
                continue;
            _draining.Remove(partition);
            if (!claim.HasEnded)
                StopClaim(claim, IncidentStore.BatchCorrupt, at, reason);
        }
    }

    /// <summary>Nothing of this partition is applied any more, here or by a successor, until a person has decided.</summary>
    private void StopClaim(Claim claim, string kind, long at, string reason)
    {
        _assignment.Remove(claim.Partition);
        _stopped[claim.Partition] = claim.Key;
        PauseSoon(claim.Partition);
        LogStopped(logger, worker, claim.Partition.ToString(), reason);
        var from = kind == IncidentStore.TopicRecreated ? claim.CheckedPosition : at;
        var detail = IncidentDetail.Of(("reason", reason));
        _ = Task.Run(() => NoteAsync(() => incidents.StopAsync(kind, claim.Key, claim.Epoch, from, claim.Position, detail, _stopping)), CancellationToken.None);
    }

    private void NoteDuel(Claim claim, TimeSpan stayAway)
    {
        LogDuel(logger, worker, claim.Partition.ToString(), stayAway.TotalSeconds);
        const string Reason = "two owners take this partition from each other again and again: two groups, or two deployments, run the worker on one ledger. Stop one of them";
        _ = Task.Run(() => NoteAsync(() => incidents.NoteAsync(
            IncidentStore.OwnersFenceEachOther, claim.Key, null, IncidentDetail.Of(("reason", Reason), ("group", config.GroupId)), _stopping)), CancellationToken.None);
    }

    /// <summary>The poll thread must not wait for a database that may be down; the partition is stopped either way, and the log has it.</summary>
    private async Task NoteAsync(Func<Task> note)
    {
        for (var failures = 1; !_stopping.IsCancellationRequested; failures++)
        {
            try
            {
                await note().ConfigureAwait(false);
                return;
            }
            // The loop boundary: whatever it is, the note is wanted.
            catch (Exception e)
            {
                Quietly(() => LogNoteFailed(logger, e, worker));
                await Task.Delay(s_note.After(failures, new Random()), time, _stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Starts a look at topics and ledger when one is due, and acts upon what the last one saw.</summary>
    private void LookAround(IConsumer<byte[], byte[]> consumer)
    {
        if (_looking is null)
        {
            if (time.GetElapsedTime(_lookedAt) < options.CheckInterval)
                return;
            Claim[] claims = [.. _assignment.Claims];
            PartitionKey[] stopped = [.. _stopped.Values.OfType<PartitionKey>()];
            var doubtful = InDoubt(consumer);
            _looking = Task.Run(() => watch.LookAsync(claims, stopped, doubtful, _stopping), CancellationToken.None);
            return;
        }
        if (!_looking.IsCompleted)
            return;
        (var looked, _looking, _lookedAt) = (_looking, null, time.GetTimestamp());
        if (looked.IsCompletedSuccessfully)
            ActOn(looked.Result);
        else if (!_stopping.IsCancellationRequested)
            LogLookFailed(logger, looked.Exception?.InnerException, worker);
    }

    private void ActOn(Sighting sighting)
    {
        foreach (var claim in sighting.Fenced)
            if (!claim.HasEnded)
                _assignment.Fence(claim);
        foreach (var claim in _assignment.Claims.ToArray())
            if (sighting.Recreated.TryGetValue(claim.Partition.Topic, out var id) && !claim.HasEnded)
                StopClaim(
                    claim, IncidentStore.TopicRecreated, claim.Position,
                    $"the topic has id {id}, the ledger's offsets are of {claim.Subscription.TopicId}: it was deleted and created again while it was read");
        var appeared = _missing.Except(sighting.Missing, StringComparer.Ordinal).Any();
        foreach (var topic in sighting.Missing.Except(_missing, StringComparer.Ordinal))
            LogTopicMissing(logger, worker, topic);
        _missing = sighting.Missing;
        if (sighting.IsMember is { } isMember)
            Learn(isMember);
        if (appeared || sighting.MayGoOn)
            Replace(appeared ? "a topic that was missing is there" : "an operator let partitions go on");
    }

    /// <summary>A logger of the application's must not fail the client: an exception in its callback would destroy a record.</summary>
    private static void Quietly(Action log)
    {
        try
        {
            log();
        }
        // A telemetry callback.
        catch (Exception)
        {
        }
    }
}
