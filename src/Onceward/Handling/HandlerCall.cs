using System.Data;

namespace Onceward.Handling;

/// <summary>Calls handlers, keeps their time, and looks at the connection that they hand back.</summary>
/// <remarks>
/// A handler runs on a thread of the pool, so that one that blocks does not block its lane: past its time limit it is told to stop, and where it
/// does not listen its connection is given up with everything on it.
/// </remarks>
internal sealed class HandlerCall(Suspects suspects, LaneOptions lanes, TimeProvider time)
{
    // To return after the token fired: cancelling a statement takes a round trip, and Npgsql gives the server two seconds for it.
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(5);

    /// <summary>Applies <paramref name="records"/>.</summary>
    /// <exception cref="HandlerTimeoutException">The handler was too slow, and stopped when it was told to.</exception>
    /// <exception cref="ConnectionSpoiledException">The connection cannot be used any more; what is to blame is among the suspects.</exception>
    /// <exception cref="TransactionEndedException">The handler ended the transaction, with whatever it had done.</exception>
    public async Task ApplyAsync(Subscription subscription, ReadOnlyMemory<Record> records, BatchScope scope, CancellationToken cancellationToken)
    {
        var clock = scope.Clock = new HandlerClock(time, records.Span[0]);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var applying = Task.Run(() => subscription.ApplyAsync(records, scope, stop.Token).AsTask(), CancellationToken.None);
        var limit = LimitOf(subscription);
        if (!await EndsInTimeAsync(applying, clock, limit).ConfigureAwait(false))
            await GiveUpAsync(applying, subscription, limit, records, scope, stop).ConfigureAwait(false);
        Inspect(applying, subscription, records, scope);
        try
        {
            await applying.ConfigureAwait(false);
        }
        // A handler that was not told to stop and was cancelled all the same, by a time limit of its own say, has failed like any other.
        catch (OperationCanceledException e) when (!stop.IsCancellationRequested)
        {
            throw new OncewardException(
                ErrorCodes.HandlerCanceled, $"The handler of {clock.Current.TopicPartitionOffset} was cancelled by something of its own: {e.Message}", e);
        }
    }

    private async Task<bool> EndsInTimeAsync(Task applying, HandlerClock clock, TimeSpan limit)
    {
        for (var left = limit; left > TimeSpan.Zero; left = limit - clock.Elapsed)
        {
            // A long list of records is watched one by one: the clock starts again with each.
            await applying.WaitAsync(left, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (applying.IsCompleted)
                return true;
        }
        return false;
    }

    /// <summary>Shorter than the server's patience: what the server ends by itself looks like infrastructure, and would be tried again for ever.</summary>
    private TimeSpan LimitOf(Subscription subscription)
    {
        var patience = lanes.IdleInTransactionTimeout < lanes.StatementTimeout ? lanes.IdleInTransactionTimeout : lanes.StatementTimeout;
        var limit = subscription.Settings.Retry.HandlerTimeLimit;
        return limit < patience * 2 / 3 ? limit : patience * 2 / 3;
    }

    private async Task GiveUpAsync(
        Task applying, Subscription subscription, TimeSpan limit, ReadOnlyMemory<Record> records, BatchScope scope, CancellationTokenSource stop)
    {
        var timeout = new HandlerTimeoutException(scope.Clock!.Current.TopicPartitionOffset, limit);
        suspects.Add(records, subscription.HandlesOneByOne ? scope.Clock.Current : null, timeout);
        await stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAny(applying, Task.Delay(s_grace, time)).ConfigureAwait(false);
        if (!applying.IsCompleted)
            throw new ConnectionSpoiledException(timeout, applying);
        // Whatever it makes of being stopped: it was too slow. Inspected first, because its connection may not be what it was.
        Inspect(applying, subscription, records, scope);
        throw timeout;
    }

    /// <summary>Looks at what a handler hands back, before its failure is looked at: that must not hide what it left behind.</summary>
    private void Inspect(Task applied, Subscription subscription, ReadOnlyMemory<Record> records, BatchScope scope)
    {
        var failure = applied.Exception?.InnerException;
        if (scope.HasEnded)
            throw new TransactionEndedException(failure);
        var state = scope.Connection.FullState;
        if (state is ConnectionState.Open or ConnectionState.Broken)
            return;
        var leak = new OncewardException(
            ErrorCodes.HandlerLeak,
            $"{subscription.Handler}, the handler of '{subscription.Topic}', came back with a data reader or a COPY open or a statement running, or it closed the connection. Nothing of the attempt is kept. Dispose readers, importers and exporters, await what is started, and leave the connection alone.",
            failure);
        suspects.Add(records, null, leak);
        throw new ConnectionSpoiledException(leak, applied);
    }
}

/// <summary>Since when the handler works on which record.</summary>
internal sealed class HandlerClock(TimeProvider time, Record first)
{
    private volatile Record _current = first;
    private long _startedAt = time.GetTimestamp();

    public Record Current => _current;

    public TimeSpan Elapsed => time.GetElapsedTime(Volatile.Read(ref _startedAt));

    public void Start(Record record)
    {
        _current = record;
        Volatile.Write(ref _startedAt, time.GetTimestamp());
    }
}
