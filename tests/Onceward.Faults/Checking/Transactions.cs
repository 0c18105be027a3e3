namespace Onceward.Faults.Checking;

/// <summary>Each effect was written by the transaction that moved the offset over its record, or its record was parked before.</summary>
internal static class Transactions
{
    public static void Check(History history, Findings findings)
    {
        var intervals = new Dictionary<(int Partition, long Transaction), (long From, long Until)>();
        foreach (var move in history.Moves)
            if (move.OldNext is { } from && move.NewNext > from)
                intervals[(move.Partition, move.Transaction)] = (from, move.NewNext);
        foreach (var row in history.Ledger)
        {
            if (intervals.TryGetValue((row.Partition, row.Transaction), out var interval) && row.Offset >= interval.From && row.Offset < interval.Until)
                continue;
            if (!history.EverParked.Contains(new Place(row.Partition, row.Offset)))
                findings.Violate(
                    Property.LedgerIsLog, $"ledger row {row.Id} of {Checker.Name(row.Partition, row.Offset)} was written by a transaction that did not move over it, and it was never parked");
        }
    }
}
