using Insurance.Load.Driving;
using Spectre.Console;

namespace Insurance.Load.Tests;

public sealed class ProgressDisplayTests
{
    [Fact]
    public async Task A_terminal_is_shown_a_bar_whose_last_state_is_the_end()
    {
        var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, Interactive = InteractionSupport.Yes, Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 160;
        var totals = new LoadTotals { LastTrouble = "[not markup" };
        totals.AddBroken("[not markup");
        using var shown = new CancellationTokenSource();
        var display = ProgressDisplay.BarAsync(console, totals, events: 10, new RunClock(TimeProvider.System), shown.Token);
        totals.AddAcknowledged(10);
        await shown.CancelAsync();
        await display;
        output.ToString().ShouldContain("10 of 10 acknowledged");
    }
}
