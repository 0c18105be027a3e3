using System.Globalization;
using System.Text;
using Onceward.Bench.Contenders;
using Onceward.Bench.Load;

namespace Onceward.Bench.Parts;

/// <summary>Two workers share the partitions under a steady load; one is killed, stopped, started. The longest latency of any record is the outage.</summary>
internal static class Recovery
{
    private const double Rate = 2000;
    private static readonly TimeSpan s_deadline = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(2);

    public static async Task<string> RunAsync(Bench bench)
    {
        var options = bench.Options;
        var topic = await BenchTopic.CreateAsync(bench.Kafka, options.Partitions, 0, options.Bytes);
        await using var database = await BenchDatabase.CreateAsync(bench.Postgres, "");
        var group = $"recovery-{Guid.NewGuid():N}";
        WorkerProcess Start() => WorkerProcess.Start(WorkerProcess.SetBased, topic, database, group, options.Batch);

        await using var survivor = Start();
        using var load = new OpenLoop(topic);
        await using var watcher = new Watcher(database.Source, load, topic.Partitions, OncewardWorker.EachPosition);
        watcher.Resume();
        using var stopping = new CancellationTokenSource();
        var sending = load.RunAsync(Rate, TimeSpan.FromHours(1), stopping.Token);
        await SettleAsync(database, watcher, owners: 1);

        List<double> joined = [], killed = [], stopped = [];
        for (var i = 0; i < 2 * options.Kills; i++)
        {
            var kill = i % 2 == 0;
            WorkerProcess? other = null;
            joined.Add(await OutageAsync("a second worker joins", () => Task.FromResult(other = Start()), owners: 2));
            await using (other!)
                (kill ? killed : stopped).Add(await OutageAsync(kill ? "one of two is killed" : "one of two is stopped", () => kill ? KillAsync(other!) : other!.StopAsync(), owners: 1));
        }
        await stopping.CancelAsync();
        await sending;
        await watcher.CatchUpAsync(s_deadline);
        await survivor.StopAsync();
        await database.CheckAsync(topic with { Count = checked((int)load.Sent) });
        await topic.DeleteAsync();
        return Section(options, killed, stopped, joined);

        async Task<double> OutageAsync(string what, Func<Task> act, int owners)
        {
            var latencies = watcher.Begin();
            await act();
            await SettleAsync(database, watcher, owners);
            watcher.End();
            var outage = new Percentiles(latencies).Max / 1000;
            Bench.Say($"recovery: {what}: {outage:0.00} s");
            return outage;
        }
    }

    private static Task KillAsync(WorkerProcess worker)
    {
        worker.Kill();
        return Task.CompletedTask;
    }

    /// <summary>Waits until so many workers own the partitions, and what was sent until a while after that is visible.</summary>
    private static async Task SettleAsync(BenchDatabase database, Watcher watcher, int owners)
    {
        for (var until = TimeProvider.System.GetUtcNow() + s_deadline; ; await Task.Delay(20))
        {
            await Task.Delay(20);
            if (TimeProvider.System.GetUtcNow() > until)
                throw new TimeoutException($"The partitions are not with {owners} worker(s).");
            try
            {
                if (await database.ScalarAsync("SELECT count(DISTINCT owner)::text FROM onceward.consumer_offset") == owners.ToString(CultureInfo.InvariantCulture))
                    break;
            }
            // The first worker is still installing its ledger.
            catch (Npgsql.PostgresException e) when (e.SqlState is Npgsql.PostgresErrorCodes.UndefinedTable)
            {
            }
        }
        await Task.Delay(s_quiet);
        await watcher.CatchUpAsync(s_deadline);
    }

    private static string Section(BenchOptions options, List<double> killed, List<double> stopped, List<double> joined)
    {
        var text = new StringBuilder();
        text.AppendLine("## When workers come and go").AppendLine();
        text.AppendLine($"Two worker processes share {options.Partitions} partitions under {Rate:N0} records/s in an open loop; classic group protocol, session timeout 10 s. The outage is the longest time that")
            .AppendLine("any record of any partition waited from when it was meant to be sent until it was visible. Afterwards each record was found applied once.").AppendLine();
        text.AppendLine("| event | times | outage, s: median (min–max) |").AppendLine("|---|---:|---:|");
        foreach (var (what, outages) in (ReadOnlySpan<(string, List<double>)>)[("one of two is killed (SIGKILL)", killed), ("one of two is stopped", stopped), ("a second one joins", joined)])
            text.AppendLine($"| {what} | {outages.Count} | **{outages.Order().ElementAt(outages.Count / 2):0.00}** ({outages.Min():0.00}–{outages.Max():0.00}) |");
        return text.ToString();
    }
}
