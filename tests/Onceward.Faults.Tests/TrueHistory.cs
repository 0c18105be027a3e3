using Onceward.Faults.Checking;

namespace Onceward.Faults.Tests;

/// <summary>A small history as a run without fault leaves it, for tests to tamper with.</summary>
/// <remarks>
/// Two partitions with a key each of ten records, applied two at a time. In partition 0, record 3 is one that nobody can decode, and records 6 and 7 were
/// parked and redriven by the other process; partition 1 went from owner a to owner b in the middle.
/// </remarks>
internal static class TrueHistory
{
    public const int Partitions = 2;
    public const int Records = 10;
    public const int UndecodableAt = 3;

    public static History Create()
    {
        var history = new History { OutputTopic = "out", DeadLetterTopic = "dlq", EverParked = [new Place(0, 6), new Place(0, 7)] };
        for (var partition = 0; partition < Partitions; partition++)
        {
            var (key, seq) = ($"k{partition}", 0L);
            for (var offset = 0; offset < Records; offset++)
            {
                var isUndecodable = partition == 0 && offset == UndecodableAt;
                history.Visible.Add(new LogRecord(partition, offset, key, isUndecodable ? -1 : seq, isUndecodable ? 0 : 5, isUndecodable ? RecordKind.Undecodable : RecordKind.Ordinary));
                history.Acked.Add(new AckedRecord(partition, offset, key, isUndecodable ? -1 : seq));
                if (!isUndecodable)
                    seq++;
            }
            history.Moves.Add(new OffsetMove(0, partition, null, 0, null, 0, "running", "a", 1));
            history.Moves.Add(new OffsetMove(0, partition, 0, 0, 0, 1, "running", "a", 2));
        }
        for (var offset = 0; offset < Records; offset += 2)
            for (var partition = 0; partition < Partitions; partition++)
                Apply(history, partition, offset);
        for (var partition = 0; partition < Partitions; partition++)
        {
            history.Balances[$"k{partition}"] = history.Ledger.Where(r => r.Partition == partition).Sum(r => r.Amount);
            var (epoch, published) = (history.Moves.Last(m => m.Partition == partition).NewEpoch, history.Published.Count(m => m.Channel == partition));
            history.Ends.Add(new PartitionEnd(partition, Records, Records, epoch, "running", partition, published));
        }
        return history;
    }

    private static void Apply(History history, int partition, int offset)
    {
        var (epoch, owner, transaction) = (1L, "a", 100L + (partition * 50) + offset);
        if (partition == 1 && offset >= 4)
            (epoch, owner) = (2, "b");
        if (partition == 1 && offset == 4)
            history.Moves.Add(new OffsetMove(0, 1, 4, 4, 1, 2, "running", "b", 90));
        history.Moves.Add(new OffsetMove(0, partition, offset, offset + 2, epoch, epoch, "running", owner, transaction));
        for (var at = offset; at < offset + 2; at++)
        {
            var record = history.Visible.Single(r => r.Partition == partition && r.Offset == at);
            var (isDead, seq) = (record.Kind is RecordKind.Undecodable, history.Published.Count(m => m.Channel == partition));
            if (isDead)
                history.DeadLetters.Add(new Place(partition, at));
            else
                history.Ledger.Add(new LedgerRow(
                    history.Ledger.Count, partition, at, record.Key, record.Seq, record.Amount, history.EverParked.Contains(new Place(partition, at)) ? 999 : transaction));
            history.Published.Add(new OutMessage(isDead ? "dlq" : "out", 0, partition, seq, record.Key, new Place(partition, at), isDead ? -1 : record.Seq));
        }
    }
}
