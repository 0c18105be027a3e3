using Onceward.Intake;
using Onceward.Ledger;

namespace Onceward.Lanes;

/// <summary>One partition's share of a batch: the visible records of <c>[From, Until)</c>.</summary>
internal sealed class Segment
{
    public Segment(Claim claim, List<Record> records, long until) => (Claim, Records, From, Until) = (claim, records, claim.Position, until);

    public Claim Claim { get; }

    public PartitionKey Key => Claim.Key;

    public List<Record> Records { get; }

    /// <summary>Where the ledger's row must stand: our own expected position, not the first record's offset.</summary>
    public long From { get; private set; }

    /// <summary>Where the row will stand: past the last record, or at the end of the log.</summary>
    public long Until { get; private set; }

    /// <summary>The record that becomes the anchor.</summary>
    public Record? Last => Records.Count > 0 ? Records[^1] : null;

    /// <summary>Leaves record number <paramref name="index"/> and all after it for a later batch.</summary>
    public Record[] CutAt(int index)
    {
        var rest = Records[index..].ToArray();
        Until = rest[0].Offset.Value;
        Records.RemoveRange(index, rest.Length);
        return rest;
    }

    /// <summary>Goes on from where the ledger says we are: a COMMIT in doubt went through, in whole or not at all.</summary>
    public void Rebase(long position)
    {
        Claim.Position = position;
        From = position;
        Records.RemoveAll(r => r.Offset.Value < position);
        Until = Math.Max(Until, position);
        if (Claim.Failure?.Offset < position)
            Claim.Failure = null;
    }

    public bool IsDone => From >= Until;
}
