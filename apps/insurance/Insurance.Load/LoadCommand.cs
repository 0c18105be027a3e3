using System.CommandLine;
using Insurance.Load.Driving;
using Insurance.Load.Generation;
using Insurance.Load.Journal;

namespace Insurance.Load;

/// <summary><c>load</c>: sends a realistic mix of events through the gateway and keeps a journal of what it acknowledged.</summary>
internal static class LoadCommand
{
    /// <summary>Four bytes for each of at most as many policies, which is what a run holds in memory.</summary>
    private const int MaxEvents = 100_000_000;

    private const int MaxStreams = 256;

    public static Command Create()
    {
        var events = new Option<int>("--events") { Description = "How many events.", Required = true };
        var rate = new Option<double?>("--rate") { Description = "Events a second, by the clock; without it, as fast as the gateway takes them." };
        var policies = new Option<int?>("--policies") { Description = "Over how many policies; a fifth of the events, unless given." };
        var streams = new Option<int>("--streams") { Description = "Concurrent streams.", DefaultValueFactory = _ => 8 };
        var seed = new Option<ulong>("--seed") { Description = "The same seed makes the same events.", DefaultValueFactory = _ => 1 };
        var retries = new Option<double>("--retries") { Description = "Percent of events sent more than once under one id.", DefaultValueFactory = _ => 1 };
        var giveUp = new Option<TimeSpan>("--give-up")
        {
            Description = "How long to go on sending what is not acknowledged.",
            CustomParser = Duration.Parse,
            DefaultValueFactory = _ => TimeSpan.FromMinutes(2),
        };
        var breakEvery = new Option<int>("--break-every") { Description = "Break each stream off on purpose after so many events; 0 for never." };
        Bound(events, 1, MaxEvents);
        Bound(streams, 1, MaxStreams);
        Bound(breakEvery, 0, MaxEvents);
        Bound(retries, 0, 100);
        Bound(policies, 1, MaxEvents);
        Bound(rate, 0.001, 10_000_000);
        var command = new Command("load", "Drives the gateway with policy events, and keeps a journal of what it acknowledged.")
        {
            events, rate, policies, streams, seed, retries, giveUp, breakEvery,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var count = parsed.GetValue(events);
            var over = parsed.GetValue(policies) ?? LoadPlan.DefaultPolicies(count);
            if (over > count)
                throw new ToolException($"--policies is {over}, more than the {count} events: every policy has an issue at least.");
            var start = TimeProvider.System.GetUtcNow();
            var plan = new LoadPlan(
                EventId.NewRun(start), start, count, over, parsed.GetValue(streams), parsed.GetValue(seed), parsed.GetValue(retries));
            return await RunAsync(plan, new LoadSettings(parsed.GetValue(rate), parsed.GetValue(giveUp), parsed.GetValue(breakEvery)), cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(LoadPlan plan, LoadSettings settings, CancellationToken cancellationToken)
    {
        using var gateway = Gateway.FromEnvironment();
        await gateway.ProbeAsync(cancellationToken);
        Console.WriteLine($"Run {plan.Run}: {plan.Events:N0} events of {plan.Policies:N0} policies over {plan.Streams} streams to {gateway.Address}");
        var footer = await new LoadRun(gateway, plan, settings, JournalFiles.Directory).RunAsync(cancellationToken);
        Report(plan, settings, footer);
        return footer switch
        {
            { Interrupted: true } => ExitCodes.Interrupted,
            { GaveUp: > 0 } => ExitCodes.GaveUp,
            _ => footer.Acknowledged == plan.Events ? ExitCodes.Fine : ExitCodes.Findings,
        };
    }

    private static void Report(LoadPlan plan, LoadSettings settings, JournalFooter footer)
    {
        Console.WriteLine($"Journal       {JournalFiles.PathOf(JournalFiles.Directory, plan.Run)}{(footer.Interrupted ? " (interrupted)" : "")}");
        Console.WriteLine($"Acknowledged  {footer.Acknowledged:N0} of {footer.Sent:N0} sent, in {footer.Seconds:N1} s, {footer.Acknowledged / Math.Max(0.001, footer.Seconds):N0}/s");
        Console.WriteLine($"Sent again    {footer.Resent:N0} after a failure, {footer.Repeated:N0} on purpose");
        foreach (var (reason, count) in footer.Refused)
            Console.WriteLine($"Refused       {count:N0}: {reason}");
        if (footer.GaveUp > 0)
            Console.WriteLine($"Gave up       {footer.GaveUp:N0}, not acknowledged within {settings.GiveUpAfter.TotalSeconds:N0} s");
        var from = settings.RatePerSecond is null ? "sending" : "the moment due";
        Console.WriteLine($"Accepted      p50 {footer.Latency.P50:N1} ms, p95 {footer.Latency.P95:N1} ms, p99 {footer.Latency.P99:N1} ms, most {footer.Latency.Max:N1} ms after {from}");
    }

    private static void Bound<T>(Option<T> option, double from, double to) => option.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<T>() is IConvertible value && value.ToDouble(null) is var number && !(number >= from && number <= to))
            result.AddError($"{option.Name} is {number}; it must be from {from} to {to}.");
    });
}
