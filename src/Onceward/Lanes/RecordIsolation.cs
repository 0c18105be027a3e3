using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Onceward.Handling;
using Onceward.Intake;

namespace Onceward.Lanes;

/// <summary>Finds the records at fault in a batch that failed, by savepoints and halving, and applies all others.</summary>
/// <remarks>
/// <para><b>Order:</b> parts are applied from left to right, so nothing of a partition is applied past a record of it that failed and has
/// attempts left: the partition's segment is cut there, and the record is the first of the next batch.</para>
/// <para><b>Cost:</b> two log n runs of the handler for each record at fault; none where nothing fails.</para>
/// </remarks>
internal sealed partial class RecordIsolation(
    IServiceScopeFactory services, Publishing publishing, TimeProvider time, Random random, ILogger<RecordIsolation> logger)
{
    /// <summary>Applies what can be applied of <paramref name="segments"/>, all of one topic, cutting them where a record must wait.</summary>
    public async Task ApplyAsync(Subscription subscription, IReadOnlyList<Segment> segments, BatchScope scope, CancellationToken cancellationToken)
    {
        var run = new Run(subscription, segments.ToDictionary(s => s.Claim.Partition), scope);
        var records = segments.SelectMany(s => s.Records).ToArray();
        await ApplyAsync(run, records, cancellationToken).ConfigureAwait(false);
    }

    private async Task ApplyAsync(Run run, ReadOnlyMemory<Record> records, CancellationToken cancellationToken)
    {
        records = run.WithoutCut(records);
        if (records.IsEmpty)
            return;
        var scope = run.Scope;
        var mark = scope.Mark();
        await ExecuteAsync(scope, "SAVEPOINT part", cancellationToken).ConfigureAwait(false);
        Exception failure;
        try
        {
            // A fresh scope for each part: what a handler remembers of rows that were rolled back must not reach the next one. It is closed
            // while the savepoint stands: should closing it fail, that is the part's fault too.
            var services_ = services.CreateAsyncScope();
            await using (services_.ConfigureAwait(false))
            {
                scope.Services = services_.ServiceProvider;
                await run.Subscription.ApplyAsync(records, scope, cancellationToken).ConfigureAwait(false);
            }
            await ReleaseAsync(scope, cancellationToken).ConfigureAwait(false);
            return;
        }
        catch (Exception e) when (Failure.IsOfRecord(e))
        {
            failure = e;
        }
        await ExecuteAsync(scope, "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part", cancellationToken).ConfigureAwait(false);
        scope.RollBackTo(mark);
        if (records.Length == 1)
        {
            SetAside(run, records.Span[0], failure);
            return;
        }
        var half = records.Length / 2;
        await ApplyAsync(run, records[..half], cancellationToken).ConfigureAwait(false);
        await ApplyAsync(run, records[half..], cancellationToken).ConfigureAwait(false);
    }

    private void SetAside(Run run, Record record, Exception failure)
    {
        var segment = run.Segments[record.TopicPartition];
        var claim = segment.Claim;
        var settings = run.Subscription.Settings;
        var attempts = claim.Failure is { } before && before.Offset == record.Offset.Value ? before.Attempts + 1 : 1;
        if (attempts >= settings.Retry.MaxAttempts || Failure.IsFinal(failure))
        {
            var letter = new DeadLetter(run.Subscription, record, attempts, failure);
            run.Scope.Add(letter);
            if (settings.DeadLetterTopic is { } topic)
                run.Scope.Add(publishing.Encode(letter, topic));
            LogDeadLettered(logger, failure, settings.Worker, record.TopicPartitionOffset, attempts, letter.Reason);
            return;
        }
        var pause = settings.Retry.Delays.After(attempts, random);
        claim.Failure = new HeadFailure(record.Offset.Value, attempts, time.GetTimestamp() + (long)(pause.TotalSeconds * time.TimestampFrequency));
        claim.PutBack(segment.CutAt(segment.Records.IndexOf(record)));
        LogFailed(logger, failure, settings.Worker, record.TopicPartitionOffset, attempts, settings.Retry.MaxAttempts, pause.TotalSeconds);
    }

    /// <summary>Sends what the part staged and ends its savepoint. A deferred constraint speaks now, while the part can still be undone.</summary>
    private static async Task ReleaseAsync(BatchScope scope, CancellationToken cancellationToken)
    {
        var batch = new NpgsqlBatch(scope.Connection, scope.Transaction);
        await using var _ = batch.ConfigureAwait(false);
        foreach (var command in scope.Staged)
            batch.BatchCommands.Add(command);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SET CONSTRAINTS ALL IMMEDIATE"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("RELEASE SAVEPOINT part"));
        await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        scope.StagedWasSent();
    }

    private static async Task ExecuteAsync(BatchScope scope, string sql, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, scope.Connection, scope.Transaction);
        await using var _ = command.ConfigureAwait(false);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>One topic's part of the batch while it is being taken apart.</summary>
    private sealed record Run(Subscription Subscription, Dictionary<TopicPartition, Segment> Segments, BatchScope Scope)
    {
        /// <summary>Leaves out records behind one that waits for its next attempt.</summary>
        public ReadOnlyMemory<Record> WithoutCut(ReadOnlyMemory<Record> records)
        {
            foreach (var record in records.Span)
                if (IsCut(record))
                    return records.ToArray().Where(r => !IsCut(r)).ToArray();
            return records;
        }

        private bool IsCut(Record record) => record.Offset.Value >= Segments[record.TopicPartition].Until;
    }

    [LoggerMessage(EventIds.RecordFailed, LogLevel.Warning, "Worker {Worker} could not apply {Record}: attempt {Attempt} of {MaxAttempts}, the next one in {Pause:0.0} s")]
    private static partial void LogFailed(ILogger logger, Exception exception, string worker, TopicPartitionOffset record, int attempt, int maxAttempts, double pause);

    [LoggerMessage(EventIds.RecordDeadLettered, LogLevel.Error, "Worker {Worker} gives {Record} to the dead letters after {Attempts} attempts: {Reason}")]
    private static partial void LogDeadLettered(ILogger logger, Exception exception, string worker, TopicPartitionOffset record, int attempts, string reason);
}
