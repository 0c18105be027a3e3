using Confluent.Kafka;

namespace Onceward.Broker.Crash;

/// <summary>Holds what readers see against what producers were told.</summary>
/// <remarks>A function of its arguments: its own tests give it logs that are wrong in one way each.</remarks>
internal static class Checker
{
    /// <param name="told">Taken before the reading began.</param>
    /// <param name="seen">What was read.</param>
    /// <param name="before">What was read the time before; null: nothing yet.</param>
    /// <param name="quiet">Producers stood still, with nothing under way: everything tried has its end.</param>
    /// <returns>A sentence for each thing that is wrong.</returns>
    public static List<string> Faults(Told told, Seen seen, Seen? before, bool quiet)
    {
        List<string> faults = [.. told.Failures.Select(failure => $"a client was told: {failure}")];
        foreach (var (partition, offsets) in told.Streams)
            faults.AddRange(FaultsOfStream(partition, offsets, seen.Partitions[partition], quiet));
        faults.AddRange(FaultsOfTransactions(told, seen, quiet));
        faults.AddRange(FaultsOfOffsets(told, seen, before, quiet));
        if (before is not null)
            faults.AddRange(before.Partitions.SelectMany(old => FaultsOfPast(old.Key, old.Value, seen.Partitions[old.Key])));
        return faults;
    }

    private static IEnumerable<string> FaultsOfStream(TopicPartition partition, long[] offsets, SeenPartition seen, bool quiet)
    {
        var last = -1L;
        foreach (var entry in seen.Entries)
        {
            if (entry.Number > last + 1)
                yield return $"{partition}: record {last + 1} is missing before {entry.Number} at offset {entry.Offset}";
            else if (entry.Number <= last && partition.Topic == Names.Idempotent)
                yield return $"{partition}: record {entry.Number} is there again at offset {entry.Offset}";
            last = Math.Max(last, entry.Number);
        }
        var byOffset = seen.Entries.ToDictionary(entry => entry.Offset, entry => entry.Number);
        for (var number = 0; number < offsets.Length; number++)
        {
            if (offsets[number] < 0)
            {
                if (quiet)
                    yield return $"{partition}: record {number} was never acknowledged";
            }
            else if (!byOffset.TryGetValue(offsets[number], out var found))
                yield return $"{partition}: acknowledged record {number} is not at its offset {offsets[number]}; the log ends at {seen.HighWatermark}";
            else if (found != number)
                yield return $"{partition}: at offset {offsets[number]} of acknowledged record {number} is {found}";
        }
    }

    private static IEnumerable<string> FaultsOfTransactions(Told told, Seen seen, bool quiet)
    {
        var partitions = Names.PartitionsOf(Names.Transactional).ToList();
        var counts = partitions.ConvertAll(partition => seen.Partitions[partition].Entries.GroupBy(entry => (entry.Producer, entry.Number)).ToDictionary(group => group.Key, group => group.Count()));
        foreach (var attempt in told.Attempts)
        {
            var got = counts.ConvertAll(count => count.GetValueOrDefault((attempt.Producer, attempt.Number)));
            var name = $"transaction {attempt.Producer}:{attempt.Number} of {string.Join('+', attempt.RecordsOfPartition)} records, {attempt.Fate}";
            var (whole, nothing) = (got.SequenceEqual(attempt.RecordsOfPartition), got.TrueForAll(count => count == 0));
            if (attempt.Fate == Fate.Committed && !whole)
                yield return $"{name}, shows {string.Join('+', got)}";
            else if (attempt.Fate == Fate.Aborted && !nothing)
                yield return $"{name}, shows {string.Join('+', got)}";
            else if (quiet && attempt.Fate == Fate.Open && !nothing)
                yield return $"{name}, shows {string.Join('+', got)}";
            else if (quiet && attempt.Fate == Fate.InDoubt && !whole && !nothing)
                yield return $"{name}, is torn: it shows {string.Join('+', got)}";
        }
        foreach (var partition in partitions)
        {
            var log = seen.Partitions[partition];
            if (quiet && log.End != log.HighWatermark)
                yield return $"{partition}: no transaction is open, and readers of what is committed end at {log.End}, before the end {log.HighWatermark}";
            foreach (var producer in log.Entries.GroupBy(entry => entry.Producer))
            {
                if (producer.Zip(producer.Skip(1)).FirstOrDefault(pair => pair.First.Number > pair.Second.Number) is { Second.Offset: > 0 } pair)
                    yield return $"{partition}: transaction {pair.First.Number} of producer {producer.Key} comes before {pair.Second.Number}";
            }
        }
    }

    private static IEnumerable<string> FaultsOfOffsets(Told told, Seen seen, Seen? before, bool quiet)
    {
        if (seen.Offset < told.OffsetTold)
            yield return $"the group's offset is {seen.Offset}, and {told.OffsetTold} was acknowledged";
        if (quiet && seen.Offset > told.OffsetTried)
            yield return $"the group's offset is {seen.Offset}, and nobody committed more than {told.OffsetTried}";
        if (before is not null && seen.Offset < before.Offset)
            yield return $"the group's offset went back from {before.Offset} to {seen.Offset}";
        for (var producer = 0; producer < seen.TransactionalOffsets.Count; producer++)
        {
            var offset = seen.TransactionalOffsets[producer];
            var committed = told.Attempts.Where(attempt => attempt.Producer == producer && attempt.Fate == Fate.Committed).Select(attempt => attempt.Number + 1).DefaultIfEmpty(0).Max();
            if (offset < committed)
                yield return $"the offset in transactions of producer {producer} is {offset}, and {committed} was committed";
            var visible = seen.Partitions.Where(log => log.Key.Topic == Names.Transactional).SelectMany(log => log.Value.Entries)
                .Where(entry => entry.Producer == producer).Select(entry => entry.Number + 1).DefaultIfEmpty(0).Max();
            if (quiet && offset != visible)
                yield return $"the offset in transactions of producer {producer} is {offset}, and records up to {visible} are visible";
            if (before is not null && offset < before.TransactionalOffsets[producer])
                yield return $"the offset in transactions of producer {producer} went back from {before.TransactionalOffsets[producer]} to {offset}";
        }
    }

    /// <summary>What was read once is read again, at the same place.</summary>
    private static IEnumerable<string> FaultsOfPast(TopicPartition partition, SeenPartition old, SeenPartition now)
    {
        if (now.HighWatermark < old.HighWatermark)
            yield return $"{partition}: its end went back from {old.HighWatermark} to {now.HighWatermark}";
        if (now.Entries.Count < old.Entries.Count || !now.Entries.Take(old.Entries.Count).SequenceEqual(old.Entries))
            yield return $"{partition}: what was read before, up to offset {old.End}, is read otherwise now";
    }
}
