using System.Diagnostics;
using Npgsql;
using Onceward.Bench.Contenders;

namespace Onceward.Bench;

/// <summary>One contender on one topic once, from the start of its consumer to the last visible row.</summary>
/// <param name="TotalRate">Records a second of the whole time, joining a group included.</param>
/// <param name="SteadyRate">Records a second between the first commit seen and the last.</param>
/// <param name="StartSeconds">Time to the first commit.</param>
/// <param name="CpuMicroseconds">Processor time of this process for a record; the servers' is not in it.</param>
/// <param name="AllocatedBytes">Managed memory allocated for a record.</param>
/// <param name="BatchSize">Records in a transaction, on average.</param>
internal sealed record Run(double TotalRate, double SteadyRate, double StartSeconds, double CpuMicroseconds, double AllocatedBytes, double BatchSize)
{
    // The rarer one where to look is work: the look must not take part in the race.
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(10), s_costlyLook = TimeSpan.FromMilliseconds(100), s_costly = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_deadline = TimeSpan.FromMinutes(5);

    public static async Task<Run> MeasureAsync(IContender contender, BenchTopic topic, string server)
    {
        await using var database = await BenchDatabase.CreateAsync(server, contender.Setup(topic.Partitions));
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        var (allocated, cpu) = (GC.GetTotalAllocatedBytes(precise: true), process.TotalProcessorTime);
        using var stopping = new CancellationTokenSource();
        var watch = Stopwatch.StartNew();
        var running = contender.RunAsync(topic, database.ConnectionString, stopping.Token);
        Progress progress;
        try
        {
            progress = await WatchAsync(contender, topic, database.Source, running, watch);
            allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
            process.Refresh();
            cpu = process.TotalProcessorTime - cpu;
        }
        finally
        {
            await stopping.CancelAsync();
            await running;
        }
        var transactions = await database.CheckAsync(topic);
        var steady = (topic.Count - progress.FirstCount) / (progress.Last - progress.First).TotalSeconds;
        return new Run(
            topic.Count / progress.Last.TotalSeconds, steady, progress.First.TotalSeconds, cpu.TotalMicroseconds / topic.Count, (double)allocated / topic.Count,
            (double)topic.Count / transactions);
    }

    private static async Task<Progress> WatchAsync(IContender contender, BenchTopic topic, NpgsqlDataSource source, Task running, Stopwatch watch)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var look = new NpgsqlCommand(contender.Progress, connection);
        var (first, firstCount) = (TimeSpan.Zero, 0L);
        while (watch.Elapsed < s_deadline)
        {
            if (running.IsCompleted)
                await running;
            var lookedAt = watch.Elapsed;
            var committed = await CommittedAsync(look);
            var cost = watch.Elapsed - lookedAt;
            if (committed > 0 && firstCount == 0)
            {
                (first, firstCount) = (watch.Elapsed, committed);
                await look.PrepareAsync();
            }
            if (committed >= topic.Count)
                return new Progress(first, firstCount, watch.Elapsed);
            await Task.Delay(committed > 0 && cost > s_costly ? s_costlyLook : s_look);
        }
        throw new TimeoutException($"{contender.Name} did not apply {topic.Count} records in {s_deadline.TotalMinutes} minutes.");
    }

    public static async Task<long> CommittedAsync(NpgsqlDataSource source, string progress)
    {
        await using var look = source.CreateCommand(progress);
        return await CommittedAsync(look);
    }

    public override string ToString() =>
        $"{SteadyRate,9:N0} rows/s steady, {TotalRate,9:N0} from start, first commit {StartSeconds:0.0} s, {CpuMicroseconds:0.0} us and {AllocatedBytes:N0} B a record, {BatchSize:N0} in a transaction";

    private static async Task<long> CommittedAsync(NpgsqlCommand look)
    {
        try
        {
            return (long)(await look.ExecuteScalarAsync())!;
        }
        // A worker installs its ledger when it starts.
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedTable)
        {
            return 0;
        }
    }

    private readonly record struct Progress(TimeSpan First, long FirstCount, TimeSpan Last);
}
