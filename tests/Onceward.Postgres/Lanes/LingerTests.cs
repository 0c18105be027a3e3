using Onceward.Intake;
using Onceward.Lanes;
using Onceward.TestSupport;

namespace Onceward.Postgres.Lanes;

/// <summary>How long a lane waits for more: counted from its last transaction, so that what comes after a pause is not kept.</summary>
public sealed class LingerTests : IAsyncLifetime
{
    private static readonly LaneOptions s_options = new() { Linger = TimeSpan.FromSeconds(10), MaxRecords = 8 };

    private readonly WatchedClock _clock = new();
    private readonly CancellationTokenSource _end = new();
    private TestLane _test = null!;
    private Claim _claim = null!;
    private Lane _lane = null!;
    private Task _run = Task.CompletedTask;

    /// <summary>A lane that has just committed its first record.</summary>
    public async ValueTask InitializeAsync()
    {
        _test = await TestLane.CreateAsync(setBased: true);
        _claim = _test.ClaimKeyed(0, "a");
        _lane = _test.CreateLane(s_options, _clock);
        _lane.Add(_claim);
        _run = _lane.RunAsync(_end.Token, _end.Token);
        await AppliedAsync(1);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _run;
        await _test.DisposeAsync();
        _end.Dispose();
    }

    [Fact]
    public async Task A_record_right_behind_a_transaction_waits_for_more_and_one_after_a_pause_does_not()
    {
        _clock.Waits.ShouldBe(0, "nothing was before the first");
        Add("b");
        await Eventually.HoldsAsync("the lane waits", () => _clock.Waits == 1);
        Add("c");
        _claim.Position.ShouldBe(1);
        _clock.Advance(s_options.Linger);
        await AppliedAsync(3);
        _test.Script.Calls.ShouldBe(["0:0", "0:1 0:2"]);

        _clock.Advance(s_options.Linger);
        Add("d");
        await AppliedAsync(4);
        _clock.Waits.ShouldBe(1);
    }

    [Fact]
    public async Task A_lane_with_much_to_do_does_not_wait()
    {
        Add("b", "c");
        await AppliedAsync(3);
        _clock.Waits.ShouldBe(0);
    }

    private void Add(params ReadOnlySpan<string> values)
    {
        TestLane.AddKeyed(_claim, values);
        _lane.Wake();
    }

    private Task AppliedAsync(long count) => Eventually.HoldsAsync($"{count} are applied", () => _claim.Position == count);
}
