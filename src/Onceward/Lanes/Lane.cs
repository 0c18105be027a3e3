using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Onceward.Intake;

namespace Onceward.Lanes;

/// <summary>A pipeline inside a worker: its partitions' records, one transaction after another.</summary>
/// <remarks>
/// <b>Concurrency:</b> at most one open transaction; a partition lives in one lane as long as its claim does. The poll thread adds claims and
/// wakes the lane; everything else happens on the lane's own task.
/// </remarks>
internal sealed partial class Lane(
    int number, LaneOptions options, BatchFormer former, BatchProcessor processor, LaneConnection connection, Action<Claim> abandon,
    TimeProvider time, ILogger<Lane> logger) : IAsyncDisposable
{
    private static readonly TimeSpan s_longestRest = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _wake = new(0, 1);
    private ImmutableArray<Claim> _claims = [];
    private long _begun; // when the last batch was

    public int ClaimCount => _claims.Count(c => !c.HasEnded);

    public void Add(Claim claim) => ImmutableInterlocked.Update(ref _claims, (claims, added) => claims.RemoveAll(c => c.HasEnded).Add(added), claim);

    /// <summary>Says that there may be something to do. Never blocks.</summary>
    public void Wake()
    {
        try
        {
            if (_wake.CurrentCount == 0)
                _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // Somebody else woke it in between.
        }
    }

    /// <param name="stopping">No further batch is begun.</param>
    /// <param name="aborting">The open one is rolled back.</param>
    public async Task RunAsync(CancellationToken stopping, CancellationToken aborting)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                if (!await WorkAsync(stopping, aborting).ConfigureAwait(false))
                    await _wake.WaitAsync(Rest(), stopping).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested || aborting.IsCancellationRequested)
            {
                return;
            }
            // The loop boundary. A batch that got here by a fault of ours is read again from the ledger's position, not skipped.
            catch (Exception e)
            {
                LogFailed(logger, e, number);
                foreach (var claim in _claims)
                    abandon(claim);
                await Task.Delay(s_longestRest, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync().ConfigureAwait(false);
        _wake.Dispose();
    }

    private async Task<bool> WorkAsync(CancellationToken stopping, CancellationToken aborting)
    {
        var claims = _claims;
        var waiting = claims.Sum(c => c.WaitingCount);
        if (waiting == 0 && !claims.Any(c => c.TryReachEnd(out _)))
            return false;
        // What came while the last batch was written has waited already, and what comes after a pause need not.
        var soonest = options.Linger - time.GetElapsedTime(_begun);
        if (soonest > TimeSpan.Zero && waiting < options.MaxRecords / 4)
            await Task.Delay(soonest, time, stopping).ConfigureAwait(false);
        var segments = former.Form(claims);
        if (segments.Count == 0)
            return false;
        _begun = time.GetTimestamp();
        foreach (var segment in segments)
            segment.Claim.IsInFlight = true;
        try
        {
            await processor.ProcessAsync([.. segments], aborting).ConfigureAwait(false);
        }
        finally
        {
            foreach (var segment in segments)
                segment.Claim.IsInFlight = false;
        }
        return true;
    }

    private TimeSpan Rest()
    {
        if (BatchFormer.NextRetry(_claims) is not { } retryAt)
            return s_longestRest;
        var until = time.GetElapsedTime(time.GetTimestamp(), retryAt);
        return until > s_longestRest ? s_longestRest : until < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : until;
    }

    [LoggerMessage(EventIds.LaneFailed, LogLevel.Critical, "Lane {Lane} failed; its partitions are read again from the ledger")]
    private static partial void LogFailed(ILogger logger, Exception exception, int lane);
}
