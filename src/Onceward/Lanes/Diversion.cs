using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onceward.Diagnostics;
using Onceward.Handling;
using Onceward.Intake;

namespace Onceward.Lanes;

/// <summary>
/// Where a record goes that is not applied now: behind its parked key, into a key parked for it, to the dead letters, or, where there is no room
/// or it is not the record that is broken, to a later batch.
/// </summary>
/// <remarks><b>Order:</b> asked in the order of the records, part by part. Model: <c>Plan</c>.</remarks>
internal sealed partial class Diversion(Burial burial, TimeProvider time, Random random, ILogger<Diversion> logger)
{
    private readonly Dictionary<Subscription, FailureCircuit> _circuits = [];

    /// <summary>The records that may be applied. The others are put behind their keys, or wait with their partition.</summary>
    public ReadOnlyMemory<Record> Admit(Run run, ReadOnlyMemory<Record> records)
    {
        if (!run.IsCut && !run.Scope.Parking.HasKeys)
            return records;
        var admitted = new List<Record>(records.Length);
        foreach (var record in records.Span)
            if (!run.Leaves(record) && !GoesBehind(run, record))
                admitted.Add(record);
        return admitted.Count == records.Length ? records : admitted.ToArray();
    }

    public void Succeeded(Subscription subscription, int records) => CircuitOf(subscription).Succeeded(records);

    /// <summary>Decides about a record that failed alone.</summary>
    public void SetAside(Run run, Record record, Exception failure)
    {
        var retry = run.Subscription.Settings.Retry;
        var circuit = CircuitOf(run.Subscription);
        circuit.Failed();
        if (circuit.IsOpen)
        {
            Block(run, record, "too many records fail for it to be the records", failure);
            return;
        }
        var isSpent = retry.MaxAttempts == 1 || Failure.IsFinal(failure);
        if (isSpent && !retry.HoldsKey)
        {
            burial.Bury(run.Scope, new DeadLetter(run.Subscription, record, 1, failure));
            return;
        }
        var key = new ParkedKey(run.Subscription, record, KeyId.Of(record), 1, isSpent ? null : retry.Delays.After(1, random), failure);
        if (!run.Scope.Parking.TryPark(key))
            Block(run, record, "as much is parked as may be", failure);
        else if (key.Pause is { } pause)
            LogParked(logger, failure, run.Subscription.Settings.Worker, record.TopicPartitionOffset, pause.TotalSeconds);
        else
            LogHeld(logger, failure, run.Subscription.Settings.Worker, record.TopicPartitionOffset, 1, Failure.ReasonOf(failure));
    }

    private bool GoesBehind(Run run, Record record)
    {
        var parking = run.Scope.Parking;
        if (!parking.HasKeys || KeyId.Of(record) is var key && !parking.IsParked(run.Subscription.Id, key))
            return false;
        if (!parking.TryPutBehind(run.Subscription, record, key))
            Block(run, record, "as much is parked as may be", null);
        return true;
    }

    /// <summary>Leaves the record and all behind it for a later batch, and keeps the partition from it for a while.</summary>
    private void Block(Run run, Record record, string because, Exception? failure)
    {
        var segment = run.SegmentOf(record);
        var claim = segment.Claim;
        var settings = run.Subscription.Settings;
        var times = claim.Failure is { } before && before.Offset == record.Offset.Value ? before.Attempts + 1 : 1;
        var pause = settings.Retry.Delays.After(times, random);
        claim.Failure = new HeadFailure(record.Offset.Value, times, time.GetTimestamp() + (long)(pause.TotalSeconds * time.TimestampFrequency), because);
        claim.PutBack(segment.CutAt(segment.Records.IndexOf(record)));
        run.IsCut = true;
        OncewardMetrics.Blocked(settings.Worker);
        LogBlocked(logger, failure, settings.Worker, record.TopicPartitionOffset, because, pause.TotalSeconds);
    }

    private FailureCircuit CircuitOf(Subscription subscription)
    {
        if (!_circuits.TryGetValue(subscription, out var circuit))
            _circuits.Add(subscription, circuit = new FailureCircuit(subscription.Settings.Retry, time));
        return circuit;
    }

    [LoggerMessage(EventIds.RecordParked, LogLevel.Warning, "Worker {Worker} could not apply {Record}: its key is parked, the next attempt in {Pause:0.0} s")]
    private static partial void LogParked(ILogger logger, Exception exception, string worker, TopicPartitionOffset record, double pause);

    [LoggerMessage(EventIds.KeyHeld, LogLevel.Error, "Worker {Worker} holds the key of {Record} after {Attempts} attempts until a person decides: {Reason}. See `onceward parked`")]
    private static partial void LogHeld(ILogger logger, Exception exception, string worker, TopicPartitionOffset record, int attempts, string reason);

    [LoggerMessage(EventIds.PartitionBlocked, LogLevel.Error, "Worker {Worker} blocks at {Record}, because {Because}; it is tried again in {Pause:0.0} s")]
    private static partial void LogBlocked(ILogger logger, Exception? exception, string worker, TopicPartitionOffset record, string because, double pause);
}
