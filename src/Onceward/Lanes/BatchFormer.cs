using System.Collections.Immutable;
using Onceward.Intake;

namespace Onceward.Lanes;

/// <summary>Puts what waits in a lane's partitions into a batch, by count and bytes, each partition getting its turn.</summary>
internal sealed class BatchFormer(LaneOptions options, TimeProvider time)
{
    // A partition at its end moves at most this often: the position of an idle partition is nobody's hurry.
    private static readonly TimeSpan s_endInterval = TimeSpan.FromSeconds(1);

    private int _turn;

    public List<Segment> Form(ImmutableArray<Claim> claims)
    {
        var segments = new List<Segment>();
        var (records, bytes) = (0, 0L);
        var now = time.GetTimestamp();
        for (var i = 0; i < claims.Length && records < options.MaxRecords && bytes < options.MaxBytes; i++)
        {
            var claim = claims[(_turn + i) % claims.Length];
            if (claim.HasEnded || claim.Failure?.RetryAt > now)
                continue;
            if (TakeRecords(claim, ref records, ref bytes) is { } segment)
                segments.Add(segment);
            else if (IsAtEnd(claim, now, out var endOffset))
                segments.Add(new Segment(claim, [], endOffset));
        }
        _turn = claims.Length > 0 ? (_turn + 1) % claims.Length : 0;
        // Handlers see partitions in this order, and the offset rows are locked in it.
        segments.Sort((a, b) => a.Key.Subscription != b.Key.Subscription
            ? a.Key.Subscription.CompareTo(b.Key.Subscription) : a.Key.Partition.CompareTo(b.Key.Partition));
        return segments;
    }

    /// <summary>When the next record that failed may be tried again; <see langword="null"/> if none waits for that.</summary>
    public static long? NextRetry(ImmutableArray<Claim> claims) => claims.Where(c => !c.HasEnded).Min(c => c.Failure?.RetryAt);

    private Segment? TakeRecords(Claim claim, ref int records, ref long bytes)
    {
        // Most of a thousand partitions have nothing at any time.
        if (claim.WaitingCount == 0)
            return null;
        var (count, size) = (records, bytes);
        var taken = new List<Record>();
        claim.Take(taken, record =>
        {
            // One record larger than the bound still gets a batch of its own.
            if (count >= options.MaxRecords || (count > 0 && size + Claim.SizeOf(record) > options.MaxBytes))
                return false;
            count++;
            size += Claim.SizeOf(record);
            return true;
        });
        (records, bytes) = (count, size);
        return taken.Count > 0 ? new Segment(claim, taken, taken[^1].Offset.Value + 1) : null;
    }

    private bool IsAtEnd(Claim claim, long now, out long endOffset)
    {
        if (!claim.TryReachEnd(out endOffset))
            return false;
        if (claim.ReachedEndAt is { } last && time.GetElapsedTime(last, now) < s_endInterval)
            return false;
        claim.ReachedEndAt = now;
        return true;
    }
}
