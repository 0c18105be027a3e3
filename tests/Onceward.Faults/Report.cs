using System.Text;
using Onceward.Faults.Checking;
using Onceward.Faults.Nemesis;
using Onceward.Faults.Stage;

namespace Onceward.Faults;

/// <summary>What a run says in the end: faults by kind, what they did to the system, and the verdict.</summary>
internal sealed class Report(RunOptions options, Scene scene, IReadOnlyList<InflictedFault> faults, History history, Findings findings)
{
    /// <summary>Nothing was violated, and the run was long and rough enough to say something.</summary>
    public const int Holds = 0;

    /// <summary>A property is violated.</summary>
    public const int Violated = 1;

    /// <summary>Nothing was violated, but the run does not count as the proof.</summary>
    public const int DoesNotCount = 3;

    private const long LeastEvents = 1_000_000;
    private const int LeastFaults = 100;
    private const int LeastOfKind = 5;

    public int ExitCode => !findings.Holds ? Violated : Shortcomings().Any() ? DoesNotCount : Holds;

    public string Write()
    {
        var text = new StringBuilder();
        text.AppendLine($"seed {options.Seed}, {options.Length.TotalMinutes:0.##} minutes, {options.Backend} ({options.Brokers.Count} broker(s)), {options.Workers} workers, {options.Relays} relays");
        text.AppendLine($"{history.Acked.Count} records acknowledged, {history.Visible.Count} visible, {history.Ledger.Count} effects, {history.DeadLetters.Count} dead letters, {history.Published.Count} messages");
        text.AppendLine();
        WriteFaults(text);
        text.AppendLine();
        WriteTraces(text);
        text.AppendLine();
        foreach (var property in Enum.GetValues<Property>())
        {
            text.AppendLine($"{(findings.CountOf(property) == 0 ? "ok    " : "BROKEN")}  {(int)property} {property}{(findings.CountOf(property) is var count and > 0 ? $": {count} times" : "")}");
            foreach (var example in findings.ExamplesOf(property))
                text.AppendLine($"          {example}");
        }
        text.AppendLine();
        foreach (var shortcoming in Shortcomings())
            text.AppendLine($"does not count: {shortcoming}");
        text.Append($"{findings.Lost} lost, {findings.Duplicated} duplicated, {findings.OutOfOrder} out of order: {(ExitCode switch { Holds => "holds", Violated => "VIOLATED", _ => "holds, and does not count" })}");
        return text.ToString();
    }

    private void WriteFaults(StringBuilder text)
    {
        text.AppendLine($"{"fault",-22}{"times",6}{"bitten",8}  what it hit");
        foreach (var kind in options.Kinds)
        {
            var of = faults.Where(f => f.Plan.Kind == kind).ToArray();
            var what = of.Length > 0 ? $"{of.Sum(f => f.Bite.Count)} {of[0].Bite.What}" : "";
            text.AppendLine($"{kind.NameOf(),-22}{of.Length,6}{of.Count(f => f.Bite.Count > 0),8}  {what}");
        }
        text.AppendLine($"{"all",-22}{faults.Count,6}{faults.Count(f => f.Bite.Count > 0),8}");
    }

    /// <summary>What the workers and the tables tell of it.</summary>
    private void WriteTraces(StringBuilder text)
    {
        var claims = history.Moves.Where(m => m.OldEpoch is not null && m.NewEpoch > m.OldEpoch).ToArray();
        var takeOvers = claims.GroupBy(c => c.Partition).Sum(p => p.Zip(p.Skip(1)).Count(pair => pair.First.Session != pair.Second.Session));
        var tally = scene.Tally;
        (string What, long Count)[] traces =
        [
            ("claims of partitions", claims.Length), ("take-overs by another process", takeOvers),
            ("partitions fenced", tally.Count("onceward.partitions.fenced")), ("COMMITs of unknown outcome", tally.Count("onceward.commits.unknown")),
            ("batches rolled back and redone", tally.Count("onceward.batches.retried")), ("repositionings of a consumer", tally.Event(EventIds.ConsumerRestarting)),
            ("consume errors", tally.Event(EventIds.ConsumeFailed)), ("claims that failed at first", tally.Event(EventIds.ClaimFailed)),
            ("duels of owners", tally.Event(EventIds.OwnersFenceEachOther)), ("batches isolated", tally.Event(EventIds.BatchIsolated)),
            ("records parked", history.EverParked.Count), ("records redriven", tally.Count("onceward.records.redriven")),
            ("dead letters", history.DeadLetters.Count), ("relay slots started", tally.Event(EventIds.SlotStarted)),
            ("relay slots failed and started again", tally.Event(EventIds.SlotFailed)), ("lanes failed", tally.Event(EventIds.LaneFailed)),
            ("records of unknown fate at the producer", scene.Journal.Doubtful), ("producers replaced", scene.Producing.Replaced),
        ];
        foreach (var (what, count) in traces)
            text.AppendLine($"{count,9}  {what}");
        if (options.GrowTo is { } partitions)
            text.AppendLine($"{EffectsOfNewPartitions(),9}  effects of the partitions beyond {RunOptions.Partitions}, of {partitions}");
        text.AppendLine($"{(history.Drained is { } drained ? $"{drained.TotalSeconds:0.0} s" : "never"),9}  until everything was applied and published");
    }

    private long EffectsOfNewPartitions() => history.Ledger.Count(r => r.Partition >= RunOptions.Partitions);

    private IEnumerable<string> Shortcomings()
    {
        if (options.GrowTo is not null && EffectsOfNewPartitions() == 0)
            yield return "nothing was applied from a new partition";
        if (history.Acked.Count < LeastEvents)
            yield return $"{history.Acked.Count} records acknowledged, {LeastEvents} are needed";
        if (faults.Count < LeastFaults)
            yield return $"{faults.Count} faults, {LeastFaults} are needed";
        foreach (var kind in Enum.GetValues<FaultKind>())
            if (faults.Count(f => f.Plan.Kind == kind && f.Bite.Count > 0) is var bitten and < LeastOfKind)
                yield return $"{kind.NameOf()} has bitten {bitten} times, {LeastOfKind} are needed";
    }
}
