using Insurance.Load.Generation;
using Insurance.Load.Journal;

namespace Insurance.Load.Driving;

/// <summary>A whole run: all streams, their journal, and what is shown meanwhile.</summary>
internal sealed class LoadRun(Gateway gateway, LoadPlan plan, LoadSettings settings, string journalDirectory)
{
    /// <summary>Runs to the end, or until cancelled; the journal is whole in either case.</summary>
    /// <exception cref="ToolException">The gateway refuses the token, or the journal cannot be written.</exception>
    public async Task<JournalFooter> RunAsync(CancellationToken cancellationToken)
    {
        var totals = new LoadTotals();
        var header = new JournalHeader(
            plan.Run, plan.Seed, plan.Start, plan.Events, plan.Policies, plan.Streams, settings.RatePerSecond, plan.RetryPercent, settings.GiveUpAfter.TotalSeconds);
        await using var journal = JournalWriter.Create(journalDirectory, header, totals.AddAcknowledged);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var shown = new CancellationTokenSource();
        var clock = new RunClock(TimeProvider.System);
        var display = ProgressDisplay.RunAsync(totals, plan.Events, clock, shown.Token);
        var writing = StopOnFailureAsync(journal.RunAsync(), stop);
        var streams = Enumerable.Range(0, plan.Streams)
            .Select(stream => Task.Run(() => StopOnFailureAsync(DriveAsync(stream), stop)))
            .ToList();
        var sending = Task.WhenAll(streams);
        await sending.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        journal.Complete();
        await writing.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        await shown.CancelAsync();
        await display;

        // A journal that failed stopped the streams, so its reason is the first.
        await writing;
        var footer = totals.ToFooter(interrupted: cancellationToken.IsCancellationRequested, clock.Now);
        journal.Finish(footer);
        if (sending.Exception?.InnerExceptions.FirstOrDefault(e => e is not OperationCanceledException) is { } failure)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        return footer;

        async Task DriveAsync(int stream)
        {
            using var driver = new StreamDriver(gateway, plan, stream, settings, clock, journal, totals);
            await driver.RunAsync(stop.Token);
        }
    }

    private static async Task StopOnFailureAsync(Task part, CancellationTokenSource stop)
    {
        try
        {
            await part;
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
    }
}
