using Insurance.Grpc.Wire;

namespace Insurance.Grpc.Tests.Wire;

public sealed class Timeouts
{
    [Theory]
    [InlineData("1H", 36_000_000_000)]
    [InlineData("2M", 1_200_000_000)]
    [InlineData("3S", 30_000_000)]
    [InlineData("250m", 2_500_000)]
    [InlineData("7u", 70)]
    [InlineData("0n", 0)]
    [InlineData("1n", 1)]
    [InlineData("100n", 1)]
    [InlineData("101n", 2)]
    [InlineData("99999999H", 99_999_999 * 36_000_000_000)]
    public void Every_unit_is_read_and_a_part_of_a_tick_counts_as_one(string text, long ticks)
    {
        GrpcTimeout.TryParse(text, out var timeout).ShouldBeTrue();
        timeout.Ticks.ShouldBe(ticks);
    }

    [Theory]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("10")]
    [InlineData("10s")]
    [InlineData("10 S")]
    [InlineData(" 10S")]
    [InlineData("+1S")]
    [InlineData("-1S")]
    [InlineData("1.5S")]
    [InlineData("123456789S")]
    public void What_the_protocol_does_not_allow_is_refused(string text) => GrpcTimeout.TryParse(text, out _).ShouldBeFalse();

    [Theory]
    [InlineData(0, "0n")]
    [InlineData(-5, "0n")]
    [InlineData(1, "1u")]
    [InlineData(10, "1u")]
    [InlineData(11, "2u")]
    [InlineData(999_999_990, "99999999u")]
    [InlineData(1_000_000_000, "100000m")]
    [InlineData(long.MaxValue, "99999999H")]
    public void Formatting_rounds_up_to_the_finest_unit_that_fits(long ticks, string text) =>
        GrpcTimeout.Format(TimeSpan.FromTicks(ticks)).ShouldBe(text);

    [Fact]
    public void What_is_formatted_reads_back_no_shorter()
    {
        var random = new Random(7);
        for (var i = 0; i < 10_000; i++)
        {
            var timeout = TimeSpan.FromTicks(random.NextInt64(1, TimeSpan.FromDays(3650).Ticks) >> random.Next(40));
            GrpcTimeout.TryParse(GrpcTimeout.Format(timeout), out var read).ShouldBeTrue();
            read.ShouldBeGreaterThanOrEqualTo(timeout);
            (read.Ticks - timeout.Ticks).ShouldBeLessThanOrEqualTo(Math.Max(10, timeout.Ticks / 1_000));
        }
    }
}
