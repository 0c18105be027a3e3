using Microsoft.Extensions.Logging;
using Onceward.Hosting;
using Onceward.Ledger;

namespace Onceward.Intake;

/// <summary>
/// Finds partitions where records wait behind a transaction that nobody ends. Committed data may be read only up to the first open transaction, so
/// such a partition looks like one without news: no error, no lag for who asks the consumer.
/// </summary>
/// <remarks>Runs in the background, a request for every partition that stands still at most; not for those that move.</remarks>
internal sealed partial class HungTransactions(
    string worker, TimeSpan after, Cluster cluster, IncidentStore incidents, TimeProvider time, ILogger<HungTransactions> logger)
{
    private readonly Dictionary<PartitionKey, Standstill> _standing = [];
    private long _askedAt = time.GetTimestamp();

    public async Task LookAsync(IReadOnlyList<Claim> claims, CancellationToken cancellationToken)
    {
        var now = time.GetTimestamp();
        foreach (var claim in claims)
        {
            if (_standing.TryGetValue(claim.Key, out var standing) && standing.Position == claim.Position)
                continue;
            if (standing.IsNoted)
                await incidents.ResolveAsync(IncidentStore.TransactionHung, claim.Key, IncidentStore.Automatic, cancellationToken).ConfigureAwait(false);
            _standing[claim.Key] = new Standstill(claim.Position, now, false);
        }
        // Four times within the bound: often enough to keep it, seldom enough to cost an idle cluster nothing.
        if (time.GetElapsedTime(_askedAt, now) < after / 4)
            return;
        _askedAt = now;
        var still = claims.Where(c => _standing[c.Key] is { IsNoted: false } s && time.GetElapsedTime(s.Since, now) >= after).ToDictionary(c => c.Partition);
        if (still.Count == 0)
            return;
        var ends = await cluster.EndsAsync(still.Keys, cancellationToken).ConfigureAwait(false);
        foreach (var (partition, claim) in still)
            if (ends[partition] is var (stable, end) && stable < end && stable <= claim.Position)
                await NoteAsync(claim, stable, end, cancellationToken).ConfigureAwait(false);
    }

    private async Task NoteAsync(Claim claim, long stable, long end, CancellationToken cancellationToken)
    {
        _standing[claim.Key] = _standing[claim.Key] with { IsNoted = true };
        LogHung(logger, worker, claim.Partition.ToString(), stable, end);
        await incidents.NoteAsync(
            IncidentStore.TransactionHung, claim.Key, stable, IncidentDetail.Of(("find", $"kafka-transactions.sh find-hanging --topic {claim.Partition.Topic}")), cancellationToken, toOffset: end)
            .ConfigureAwait(false);
    }

    private readonly record struct Standstill(long Position, long Since, bool IsNoted);

    [LoggerMessage(EventIds.TransactionHung, LogLevel.Warning,
        "Worker {Worker}: a transaction on {Partition} has been open for long; what was written from {Stable} to {End} cannot be read before it ends. It ends by its producer, by the broker's transaction time-out, or by kafka-transactions.sh abort")]
    private static partial void LogHung(ILogger logger, string worker, string partition, long stable, long end);
}
