using Spectre.Console;

namespace Insurance.Load.Driving;

/// <summary>What is shown while a run goes on: a bar on a terminal, else a line every few seconds.</summary>
internal static class ProgressDisplay
{
    private static readonly TimeSpan s_barInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_lineInterval = TimeSpan.FromSeconds(5);

    /// <summary>Until cancelled; never throws.</summary>
    public static Task RunAsync(LoadTotals totals, int events, RunClock clock, CancellationToken cancellationToken) =>
        AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected
            ? BarAsync(AnsiConsole.Console, totals, events, clock, cancellationToken)
            : LinesAsync(totals, events, clock, cancellationToken);

    internal static Task BarAsync(IAnsiConsole console, LoadTotals totals, int events, RunClock clock, CancellationToken cancellationToken) =>
        console.Progress()
            .Columns(new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .StartAsync(async context =>
            {
                var bar = context.AddTask("starting", maxValue: events);
                await EveryAsync(
                    s_barInterval,
                    clock,
                    totals,
                    rate =>
                    {
                        bar.Value = totals.Acknowledged;
                        bar.Description = Markup.Escape(Describe(totals, events, rate));
                    },
                    cancellationToken);
            });

    private static Task LinesAsync(LoadTotals totals, int events, RunClock clock, CancellationToken cancellationToken) =>
        EveryAsync(
            s_lineInterval,
            clock,
            totals,
            rate => Console.WriteLine($"{clock.Now.TotalSeconds,6:0} s  {Describe(totals, events, rate)}"),
            cancellationToken);

    private static async Task EveryAsync(TimeSpan interval, RunClock clock, LoadTotals totals, Action<double> show, CancellationToken cancellationToken)
    {
        var (acknowledged, at) = (0L, TimeSpan.Zero);
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(interval, cancellationToken).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            var (nowAcknowledged, now) = (totals.Acknowledged, clock.Now);
            show((nowAcknowledged - acknowledged) / Math.Max(0.001, (now - at).TotalSeconds));
            (acknowledged, at) = (nowAcknowledged, now);
        }
    }

    private static string Describe(LoadTotals totals, int events, double rate)
    {
        var text = $"{totals.Acknowledged:N0} of {events:N0} acknowledged, {totals.Sent:N0} sent, {rate:N0}/s";
        if (totals.Resent > 0)
            text += $", {totals.Resent:N0} resent";
        if (totals.BrokenStreams > 0)
            text += $", {totals.BrokenStreams:N0} streams broken";
        return totals.Acknowledged < events && rate < 1 && totals.LastTrouble is { } trouble ? $"{text} ({trouble})" : text;
    }
}
