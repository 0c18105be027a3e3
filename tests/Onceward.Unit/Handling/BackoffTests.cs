using Onceward.Handling;

namespace Onceward.Unit.Handling;

public sealed class BackoffTests
{
    private static readonly Backoff s_backoff = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(2));

    [Theory]
    [InlineData(1, 100)]
    [InlineData(2, 200)]
    [InlineData(5, 1600)]
    [InlineData(6, 2000)]
    [InlineData(64, 2000)]
    [InlineData(int.MaxValue, 2000)]
    public void The_pause_doubles_up_to_the_longest_and_half_of_it_is_random(int failure, int whole)
    {
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
            s_backoff.After(failure, random).TotalMilliseconds.ShouldBeInRange(whole / 2.0, whole);
    }

    [Fact]
    public void Two_that_failed_together_return_apart() =>
        s_backoff.After(3, new Random(1)).ShouldNotBe(s_backoff.After(3, new Random(2)));

    [Fact]
    public void No_pause_stays_no_pause() => new Backoff(TimeSpan.Zero, TimeSpan.Zero).After(9, new Random(1)).ShouldBe(TimeSpan.Zero);
}
