using System.Threading.Channels;
using Grpc.Core;
using Insurance.Contracts;
using Insurance.Load.Generation;
using Insurance.Load.Journal;

namespace Insurance.Load.Driving;

/// <summary>One stream to the gateway, opened again as often as it breaks, until its part of the plan is settled.</summary>
/// <remarks>Guarantee and order are those of <see cref="SendWindow"/>. One task writes, one reads answers; a crash leaves what the journal has.</remarks>
internal sealed class StreamDriver(
    Gateway gateway, LoadPlan plan, int stream, LoadSettings settings, RunClock clock, JournalWriter journal, LoadTotals totals)
    : IDisposable
{
    /// <summary>How often a quiet stream looks whether an answer is missing.</summary>
    private static readonly TimeSpan s_longestWait = TimeSpan.FromSeconds(1);

    private readonly StreamSchedule _schedule = plan.Schedule(stream);
    private readonly Pace _pace = new(plan, stream, settings.RatePerSecond);
    private readonly SendWindow _window = new(LoadSettings.Window, settings.GiveUpAfter, LoadSettings.RetryPause);
    private readonly WakeUp _wakeUp = new();

    // Who gives up sooner does not wait for a silent gateway any longer than that.
    private readonly TimeSpan _answerTimeout = Min(LoadSettings.AnswerTimeout, settings.GiveUpAfter);
    private PlannedEvent? _next;
    private TimeSpan? _troubleSince;
    private int _countedGivenUp;
    private int _offered;
    private int _writtenSinceBreak;

    private bool IsThrough => _next is null && _window.IsEmpty;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Advance();
        var pause = LoadSettings.FirstPause;
        while (!IsThrough)
        {
            var began = clock.Now;
            try
            {
                await ConverseAsync(cancellationToken);
            }
            catch (RpcException exception)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (gateway.Fatal(exception.Status) is { } fatal)
                    throw fatal;
                totals.AddBroken($"{exception.StatusCode}: {exception.Status.Detail}");
                _window.Break(clock.Now);
                CountGivenUp();
                // An answer on the broken stream clears the trouble; then this break begins a new one.
                _troubleSince ??= clock.Now;
                if (clock.Now - _troubleSince > settings.GiveUpAfter)
                {
                    GiveUpTheRest();
                    return;
                }

                pause = clock.Now - began > LoadSettings.LongestPause ? LoadSettings.FirstPause : Min(pause * 2, LoadSettings.LongestPause);
                // Streams that broke together do not come back together.
                await Task.Delay(pause * (0.5 + (0.5 * Random.Shared.NextDouble())), cancellationToken);
            }
        }
    }

    public void Dispose() => _wakeUp.Dispose();

    private async Task ConverseAsync(CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var call = gateway.Open(ended.Token);
        var reading = ReadAsync(call.ResponseStream, ended.Token);
        try
        {
            await WriteAsync(call.RequestStream, reading, ended.Token);
            await call.RequestStream.CompleteAsync();
        }
        catch
        {
            // Nothing of this call may still be noted while the window prepares for the next one.
            await ended.CancelAsync();
            await reading.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            throw;
        }

        await reading;
    }

    private async Task WriteAsync(IClientStreamWriter<PublishRequest> requests, Task reading, CancellationToken cancellationToken)
    {
        while (!IsThrough)
        {
            OfferWhatIsDue();
            if (reading.IsCompleted)
            {
                await reading;
                throw new RpcException(new Status(StatusCode.Unavailable, "The gateway ended the stream before its events were through."));
            }

            if (_window.Take(clock.Now) is { } flight)
            {
                await SendAsync(requests, flight, cancellationToken);
                continue;
            }

            if (_window.AwaitsSince(clock.Now - _answerTimeout))
                throw new RpcException(new Status(StatusCode.DeadlineExceeded, $"An event has no answer since {_answerTimeout.TotalSeconds:0} s."));
            if (!IsThrough)
                await _wakeUp.WaitAsync(NextWait(), cancellationToken);
        }
    }

    private async Task SendAsync(IClientStreamWriter<PublishRequest> requests, Flight flight, CancellationToken cancellationToken)
    {
        for (var copy = 1; copy <= flight.Copies; copy++)
        {
            totals.AddSent(isFirst: flight.Attempts == 1 && copy == 1, isDouble: copy > 1, isRepeat: flight.Repeated);
            // A burst of events leaves in few packets; the last one takes the others along.
            requests.WriteOptions = copy < flight.Copies || _window.HasReady ? new WriteOptions(WriteFlags.BufferHint) : WriteOptions.Default;
            await requests.WriteAsync(flight.Event.Request, cancellationToken);
        }

        if (settings.BreakEvery > 0 && ++_writtenSinceBreak >= settings.BreakEvery)
        {
            _writtenSinceBreak = 0;
            throw new RpcException(new Status(StatusCode.Cancelled, "Broken off on purpose."));
        }
    }

    private async Task ReadAsync(IAsyncStreamReader<PublishAck> answers, CancellationToken cancellationToken)
    {
        try
        {
            while (await answers.MoveNext(cancellationToken))
            {
                await NoteAsync(answers.Current, cancellationToken);
                _wakeUp.Signal();
            }
        }
        finally
        {
            _wakeUp.Signal();
        }
    }

    private async Task NoteAsync(PublishAck ack, CancellationToken cancellationToken)
    {
        var verdict = Verdicts.Of(ack);
        if (verdict == Verdict.Fatal)
            throw new RpcException(new Status((StatusCode)ack.Rejected.Code, ack.Rejected.Message));
        switch (_window.Answer(ack.EventId, verdict, clock.Now, out var flight))
        {
            case Settlement.Accepted:
                _troubleSince = null;
                totals.Latency.Record(clock.Now - (_pace.IsPaced ? _pace.Due(flight!.Event.Position) : flight!.FirstSent!.Value));
                await JournalAsync(flight.Event, ack.Accepted, cancellationToken);
                break;
            case Settlement.Refused:
                _troubleSince = null;
                totals.AddRefused($"{(StatusCode)ack.Rejected.Code}: {ack.Rejected.Message}");
                break;
            case Settlement.Postponed:
                totals.LastTrouble = $"{(StatusCode)ack.Rejected.Code}: {ack.Rejected.Message}";
                break;
            case Settlement.GivenUp:
                CountGivenUp();
                break;
        }
    }

    private async Task JournalAsync(PlannedEvent planned, Accepted accepted, CancellationToken cancellationToken)
    {
        try
        {
#pragma warning disable CA1308 // Lower case is how the journal writes kinds; nothing is normalized.
            var kind = planned.Kind.ToString().ToLowerInvariant();
#pragma warning restore CA1308
            await journal.AddAsync(new JournalEntry(planned.EventId, planned.PolicyId, accepted.Partition, accepted.Offset, kind), cancellationToken);
        }
        catch (ChannelClosedException closed)
        {
            // The journal has failed and says why itself; nothing more counts as acknowledged.
            throw new OperationCanceledException("The journal takes no more.", closed);
        }
    }

    private void OfferWhatIsDue()
    {
        while (_next is not null && _window.HasRoom && (!_pace.IsPaced || _pace.Due(_next.Position) <= clock.Now))
        {
            _window.Offer(_next);
            _offered++;
            Advance();
        }

        CountGivenUp();
    }

    private void Advance() => _next = _schedule.TryNext(out var planned) ? planned : null;

    private TimeSpan NextWait()
    {
        var wait = s_longestWait;
        if (_window.NextDue is { } retry)
            wait = Min(wait, retry - clock.Now);
        if (_pace.IsPaced && _next is not null && _window.HasRoom)
            wait = Min(wait, _pace.Due(_next.Position) - clock.Now);
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    private void GiveUpTheRest()
    {
        // Those under way, and those that were never sent.
        var rest = _window.Abandon() + plan.EventsOfStream(stream) - _offered;
        totals.AddGaveUp(rest);
        _next = null;
    }

    private void CountGivenUp()
    {
        var now = _window.GivenUp;
        var before = Interlocked.Exchange(ref _countedGivenUp, now);
        totals.AddGaveUp(now - before);
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
