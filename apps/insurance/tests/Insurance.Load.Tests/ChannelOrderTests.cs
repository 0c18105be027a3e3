using Insurance.Load.Verification;

namespace Insurance.Load.Tests;

public sealed class ChannelOrderTests
{
    [Fact]
    public void Dense_and_increasing_numbers_over_several_partitions_are_fine() => Observe((0, 0), (1, 1), (0, 2), (1, 3), (0, 4)).Count.ShouldBe(0);

    [Fact]
    public void A_number_after_a_later_one_of_its_partition_is_out_of_order() => Observe((0, 0), (0, 2), (0, 1)).Count.ShouldBe(1);

    [Fact]
    public void A_number_that_is_missing_is_found() => Observe((0, 0), (1, 1), (0, 3)).Count.ShouldBe(1);

    private static Finding Observe(params (int Partition, long Seq)[] records)
    {
        var order = new ChannelOrder();
        foreach (var (partition, seq) in records)
            order.Observe("auto.premiums", partition, new ChannelNumber(1, seq), isOfRun: true);
        return order.Finish();
    }
}
