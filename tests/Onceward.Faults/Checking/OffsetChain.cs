namespace Onceward.Faults.Checking;

/// <summary>The history of each offset row: one chain, epochs that only grow, moves made by the owner of the epoch alone.</summary>
internal static class OffsetChain
{
    public static void Check(History history, Findings findings)
    {
        var lasts = new Dictionary<int, OffsetMove>();
        var owners = new Dictionary<int, string>();
        foreach (var move in history.Moves)
        {
            if (lasts.TryGetValue(move.Partition, out var last))
                CheckLink(last, move, owners, findings);
            else if (move.OldNext is not null || move.NewNext != 0)
                findings.Violate(Property.OffsetChain, $"{Name(move)}: the first entry is no new row at 0");
            lasts[move.Partition] = move;
        }
        foreach (var end in history.Ends)
            if (!lasts.TryGetValue(end.Partition, out var last) || (last.NewNext, last.NewEpoch) != (end.NextOffset, end.Epoch))
                findings.Violate(Property.OffsetChain, $"partition {end.Partition} ends at {end.NextOffset}/{end.Epoch}, its history at {last.NewNext}/{last.NewEpoch}");
    }

    private static void CheckLink(OffsetMove last, OffsetMove move, Dictionary<int, string> owners, Findings findings)
    {
        if ((move.OldNext, move.OldEpoch) != (last.NewNext, last.NewEpoch))
            findings.Violate(Property.OffsetChain, $"{Name(move)}: begins at {move.OldNext}/{move.OldEpoch}, and the one before ended at {last.NewNext}/{last.NewEpoch}");
        if (move.NewNext < last.NewNext)
            findings.Violate(Property.OffsetChain, $"{Name(move)}: the offset went back from {last.NewNext}");
        if (move.NewEpoch < last.NewEpoch)
            findings.Violate(Property.OffsetChain, $"{Name(move)}: the epoch went back from {last.NewEpoch}");
        if (move.NewEpoch > last.NewEpoch)
        {
            if (move.NewNext != last.NewNext)
                findings.Violate(Property.OffsetChain, $"{Name(move)}: a claim moved the offset from {last.NewNext}");
            owners[move.Partition] = move.Session;
        }
        else if (move.NewNext != last.NewNext && owners.GetValueOrDefault(move.Partition) is var owner && owner != move.Session)
        {
            findings.Violate(Property.OffsetChain, $"{Name(move)}: {move.Session} moved the offset under the epoch of {owner ?? "nobody"}");
        }
    }

    private static string Name(OffsetMove move) => $"partition {move.Partition}, entry {move.Id} to {move.NewNext}/{move.NewEpoch}";
}
