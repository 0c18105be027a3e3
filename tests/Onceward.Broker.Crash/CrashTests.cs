using System.Globalization;

namespace Onceward.Broker.Crash;

/// <summary>The broker is killed by SIGKILL at random moments under plain, idempotent and transactional load, and everything is held against what was acknowledged.</summary>
/// <remarks>
/// The death of a process does not take the system's cache with it, so each flush policy has to hold. ONCEWARD_BROKER_KILLS and ONCEWARD_BROKER_SEED
/// set how many kills a policy gets at least, and which; <c>tests/oracle/broker-crash.sh</c> makes the long run, and ONCEWARD_BROKER_REPORT is its table.
/// </remarks>
public sealed class CrashTests(ITestOutputHelper output)
{
    private const int FewKills = 2;

    [Theory]
    [InlineData("None")]
    [InlineData("Interval")]
    [InlineData("EveryRequest")]
    public async Task What_was_acknowledged_survives_every_kill(string flush)
    {
        var seed = Setting("ONCEWARD_BROKER_SEED", Environment.TickCount);
        var kills = Setting("ONCEWARD_BROKER_KILLS", FewKills);
        output.WriteLine($"seed {seed}, at least {kills} kills, flush {flush}");
        await using var run = new CrashRun(flush, seed, output.WriteLine);
        await run.StartAsync();
        while (run.Tally.Kills < kills)
            (await run.KillAsync()).ShouldBeEmpty($"seed {seed}, kill {run.Tally.Kills}");
        output.WriteLine(run.Tally.Row());
        if (Environment.GetEnvironmentVariable("ONCEWARD_BROKER_REPORT") is { } report)
            await File.AppendAllTextAsync(report, run.Tally.Row() + "\n");
    }

    /// <summary>The proof that the proof can fail: the bytes of acknowledged records are taken away between two lives.</summary>
    [Theory]
    [InlineData(Names.Idempotent)]
    [InlineData(Names.Transactional)]
    public async Task A_log_that_lost_its_tail_is_noticed(string topic)
    {
        await using var run = new CrashRun("None", seed: 1, output.WriteLine);
        await run.StartAsync();
        (await run.KillAsync()).ShouldBeEmpty(); // Until there is something to lose.
        var faults = await run.KillAsync(() => Cut(Path.Combine(run.Data, $"{topic}-0")));
        output.WriteLine(string.Join('\n', faults.Take(3)));
        faults.ShouldNotBeEmpty();
    }

    private static void Cut(string folder)
    {
        using var last = File.OpenWrite(Directory.GetFiles(folder, "*.log").Order(StringComparer.Ordinal).Last());
        last.SetLength(last.Length / 2);
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
