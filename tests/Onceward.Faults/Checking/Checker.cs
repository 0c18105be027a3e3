namespace Onceward.Faults.Checking;

/// <summary>Holds a history against the promise: nothing lost, nothing twice, nothing out of order.</summary>
/// <remarks>
/// The truth is the input topic as a reader of committed data sees it, held against the producer's journal of acknowledgements. Properties overlap on
/// purpose: one that has a hole does not hide a fault from the others.
/// </remarks>
internal static class Checker
{
    public static Findings Check(History history)
    {
        var findings = new Findings();
        var places = new Places(history);
        CheckAcked(history, places, findings);
        CheckEffects(history, places, findings);
        CheckKeyOrder(history, findings);
        CheckBalances(history, findings);
        CheckAborted(history, findings);
        OffsetChain.Check(history, findings);
        Transactions.Check(history, findings);
        OutputCheck.Check(history, places, findings);
        CheckLiveness(history, findings);
        return findings;
    }

    /// <summary>What the broker acknowledged is in its log: else the run proves nothing about what reads it.</summary>
    private static void CheckAcked(History history, Places places, Findings findings)
    {
        foreach (var acked in history.Acked)
            if (!places.TryGet(new Place(acked.Partition, acked.Offset), out var record))
                findings.Lose(Property.AckedOnce, $"{Name(acked.Partition, acked.Offset)} was acknowledged and is not in the topic");
            else if (record.Key != acked.Key || record.Seq != acked.Seq)
                findings.Violate(Property.AckedOnce, $"{Name(acked.Partition, acked.Offset)} was acknowledged as {acked.Key}/{acked.Seq} and is {record.Key}/{record.Seq}");
    }

    /// <summary>Each visible record has ended in exactly one place, and the right one.</summary>
    private static void CheckEffects(History history, Places places, Findings findings)
    {
        foreach (var row in history.Ledger)
            if (!places.TryGet(new Place(row.Partition, row.Offset), out var record))
                findings.Violate(Property.LedgerIsLog, $"ledger row {row.Id} is of {Name(row.Partition, row.Offset)}, where no reader sees a record");
            else if ((record.Key, record.Seq, record.Amount) != (row.Key, row.Seq, row.Amount))
                findings.Violate(Property.LedgerIsLog, $"ledger row {row.Id} is of {row.Key}/{row.Seq}, and {Name(row.Partition, row.Offset)} is {record.Key}/{record.Seq}");
        var ends = history.Ends.ToDictionary(e => e.Partition, e => e.NextOffset);
        foreach (var record in history.Visible)
        {
            var place = new Place(record.Partition, record.Offset);
            var (applied, dead, parked) = places.EndOf(place);
            var name = $"{Name(record.Partition, record.Offset)} ({record.Key}/{record.Seq})";
            if (record.Offset >= ends.GetValueOrDefault(record.Partition))
            {
                findings.Lose(Property.Liveness, $"{name} is past the partition's offset");
                if (applied + dead + parked > 0)
                    findings.Violate(Property.LedgerIsLog, $"{name} has an effect and is past the partition's offset");
                continue;
            }
            if (applied + dead + parked == 0)
                findings.Lose(Property.AckedOnce, $"{name} is neither applied, nor parked, nor a dead letter");
            for (var more = applied + dead + parked; more > 1; more--)
                findings.Duplicate(Property.AckedOnce, $"{name} is {applied} times in the ledger, {dead} times a dead letter, {parked} times parked");
            if (record.Kind is RecordKind.Ordinary ? dead > 0 : applied > 0)
                findings.Violate(Property.AckedOnce, $"{name} is {record.Kind} and ended as {(dead > 0 ? "a dead letter" : "an effect")}");
        }
    }

    /// <summary>
    /// Of each key (and partition, where the topic has grown), the effects in the order of their rows are the effects in the order of the log: what is missing or there twice was said
    /// before, so what has an effect is compared here, each by its first.
    /// </summary>
    private static void CheckKeyOrder(History history, Findings findings)
    {
        var last = new Dictionary<(string Key, int Partition), long>();
        var seen = new HashSet<Place>();
        foreach (var row in history.Ledger)
        {
            if (!seen.Add(new Place(row.Partition, row.Offset)))
                continue;
            var order = history.OrderOf(row.Key, row.Partition);
            if (last.TryGetValue(order, out var before) && row.Seq <= before)
                findings.Disorder(Property.KeyOrder, $"{row.Key}/{row.Seq} was applied after {row.Key}/{before}");
            last[order] = Math.Max(row.Seq, before);
        }
    }

    private static void CheckBalances(History history, Findings findings)
    {
        var sums = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var row in history.Ledger)
            sums[row.Key] = sums.GetValueOrDefault(row.Key) + row.Amount;
        foreach (var key in sums.Keys.Union(history.Balances.Keys))
            if (sums.GetValueOrDefault(key) is var sum && history.Balances.GetValueOrDefault(key) is var balance && sum != balance)
                findings.Violate(Property.Balances, $"the balance of {key} is {balance}, the sum of its ledger {sum}");
    }

    private static void CheckAborted(History history, Findings findings)
    {
        foreach (var row in history.Ledger.Where(r => IsAborted(r.Key)))
            findings.Violate(Property.NoAborted, $"ledger row {row.Id} is of {row.Key}/{row.Seq}, written in a transaction that was aborted");
        foreach (var record in history.Visible.Where(r => r.Kind is RecordKind.Aborted))
            findings.Violate(Property.NoAborted, $"{Name(record.Partition, record.Offset)} was aborted, and readers of committed data see it");
        foreach (var message in history.Published.Where(m => IsAborted(m.Key)))
            findings.Violate(Property.NoAborted, $"message {message.Channel}/{message.Seq} is of {message.Key}, written in a transaction that was aborted");
    }

    private static void CheckLiveness(History history, Findings findings)
    {
        if (history.Drained is null)
            findings.Violate(Property.Liveness, "not everything was applied and published within the limit after the last fault");
        foreach (var end in history.Ends.Where(e => e.State != "running"))
            findings.Violate(Property.Liveness, $"partition {end.Partition} is {end.State}");
        foreach (var place in history.Parked)
            findings.Violate(Property.Liveness, $"{Name(place.Partition, place.Offset)} is still parked");
        foreach (var exit in history.UnexpectedExits)
            findings.Violate(Property.Liveness, exit);
    }

    /// <summary>The prefix of keys that are only written in transactions which are aborted.</summary>
    public const string AbortedPrefix = "aborted-";

    public static bool IsAborted(string key) => key.StartsWith(AbortedPrefix, StringComparison.Ordinal);

    public static string Name(int partition, long offset) => $"[{partition}]@{offset}";
}
