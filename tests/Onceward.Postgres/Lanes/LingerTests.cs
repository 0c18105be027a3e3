using Microsoft.Extensions.Time.Testing;
using Onceward.Intake;
using Onceward.TestSupport;

namespace Onceward.Postgres.Lanes;

/// <summary>How long a lane waits for more: counted from its last transaction, so that what comes after a pause is not kept.</summary>
public sealed class LingerTests
{
    private static readonly LaneOptions s_options = new() { Linger = TimeSpan.FromSeconds(10), MaxRecords = 8 };

    [Fact]
    public async Task A_record_after_a_pause_is_applied_at_once_and_those_behind_it_together()
    {
        var clock = new FakeTimeProvider();
        await using var test = await TestLane.CreateAsync(setBased: true);
        var claim = test.ClaimKeyed(0, "a");
        var lane = test.CreateLane(s_options, clock);
        using var end = new CancellationTokenSource();
        lane.Add(claim);
        var run = lane.RunAsync(end.Token, end.Token);
        await AppliedAsync(claim, 1);

        await AddAsync("b");
        await AddAsync("c");
        claim.Position.ShouldBe(1, "the last transaction is not long ago");
        clock.Advance(s_options.Linger);
        await AppliedAsync(claim, 3);
        test.Script.Calls.ShouldBe(["0:0", "0:1 0:2"]);

        clock.Advance(s_options.Linger);
        await AddAsync("d");
        await AppliedAsync(claim, 4);
        await end.CancelAsync();
        await run;

        async Task AddAsync(string value)
        {
            TestLane.AddKeyed(claim, value);
            lane.Wake();
            await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_lane_with_much_to_do_does_not_wait()
    {
        var clock = new FakeTimeProvider();
        await using var test = await TestLane.CreateAsync(setBased: true);
        var claim = test.ClaimKeyed(0, "a");
        var lane = test.CreateLane(s_options, clock);
        using var end = new CancellationTokenSource();
        lane.Add(claim);
        var run = lane.RunAsync(end.Token, end.Token);
        await AppliedAsync(claim, 1);
        TestLane.AddKeyed(claim, "b", "c");
        lane.Wake();
        await AppliedAsync(claim, 3);
        await end.CancelAsync();
        await run;
    }

    private static Task AppliedAsync(Claim claim, long count) => Eventually.HoldsAsync($"{count} are applied", () => claim.Position == count);
}
