using Insurance.Load.Driving;

namespace Insurance.Load.Tests;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Percentiles_are_right_to_within_three_percent()
    {
        var histogram = new LatencyHistogram();
        for (var ms = 1; ms <= 10_000; ms++)
            histogram.Record(TimeSpan.FromMilliseconds(ms));
        histogram.Percentile(50).ShouldBe(5_000, tolerance: 160);
        histogram.Percentile(99).ShouldBe(9_900, tolerance: 310);
        histogram.Summary().Max.ShouldBe(10_000);
    }

    [Fact]
    public void Without_a_measurement_there_is_nothing_to_tell() => new LatencyHistogram().Summary().P99.ShouldBe(0);
}
