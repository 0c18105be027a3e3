using System.Text;
using System.Text.Json;
using Onceward.Outbox;

namespace Onceward.Unit.Outbox;

public sealed class ChannelTests
{
    [Fact]
    public void A_fresh_channel_is_published_from_its_first_row()
    {
        var (rows, fault) = ChannelCheck.Examine(Found(relayed: 0, 0, 1, 2), null);
        fault.ShouldBeNull();
        rows.ToArray().Select(r => r.Seq).ShouldBe([0, 1, 2]);
    }

    [Fact]
    public void The_row_before_the_position_proves_it_and_is_not_published_again()
    {
        var (rows, fault) = ChannelCheck.Examine(Found(relayed: 2, 2, 3, 4), At(3));
        fault.ShouldBeNull();
        rows.ToArray().Select(r => r.Seq).ShouldBe([3, 4]);
    }

    [Fact]
    public void A_channel_that_is_up_to_date_has_nothing_to_publish()
    {
        var (rows, fault) = ChannelCheck.Examine(Found(relayed: 3, 2), At(3));
        fault.ShouldBeNull();
        rows.IsEmpty.ShouldBeTrue();
    }

    [Theory]
    [InlineData("Kafka lost the position", 5L, null, new long[] { 4, 5 }, "Kafka holds no position")]
    [InlineData("Kafka's position went back", 5L, 3L, new long[] { 2, 3 }, "is before 5")]
    [InlineData("the table is empty", 3L, 3L, new long[0], "is not in the outbox")]
    [InlineData("the proving row is gone", 3L, 3L, new long[] { 3, 4 }, "is not in the outbox")]
    [InlineData("the database is behind Kafka", 0L, 9L, new long[] { 3 }, "is not in the outbox")]
    [InlineData("a hole after the proving row", 3L, 3L, new long[] { 2, 4 }, "row 3 is missing")]
    [InlineData("a hole further on", 0L, 1L, new long[] { 0, 1, 3 }, "row 2 is missing")]
    [InlineData("a fresh channel that begins late", 0L, null, new long[] { 1 }, "row 0 is missing")]
    public void A_channel_that_does_not_fit_stops(string what, long relayed, long? position, long[] seqs, string fault)
    {
        var (rows, found) = ChannelCheck.Examine(Found(relayed, seqs), position is { } next ? At(next) : null);
        found.ShouldNotBeNull(what).ShouldContain(fault);
        rows.IsEmpty.ShouldBeTrue(what);
    }

    [Fact]
    public void Another_row_at_the_place_of_the_one_published_last_stops_the_channel()
    {
        var (_, fault) = ChannelCheck.Examine(Found(relayed: 2, 2, 3), At(3) with { Hash = Row(2, "another").Hash() });
        fault.ShouldNotBeNull().ShouldContain("is not the one that was published");
    }

    [Fact]
    public void The_hash_tells_every_part_of_a_row_apart_and_null_from_empty()
    {
        OutboxRow[] rows =
        [
            new(1, 0, "t", [1], [2], [3]), new(1, 0, "u", [1], [2], [3]), new(1, 0, "t", [1, 2], [], [3]), new(1, 0, "t", [], [1, 2], [3]),
            new(1, 0, "t", null, [1, 2], [3]), new(1, 0, "t", [1], [2], []), new(1, 0, "t", [1], null, [3]),
        ];
        rows.Select(r => r.Hash()).Distinct().Count().ShouldBe(rows.Length);
    }

    [Fact]
    public void A_position_comes_back_from_its_record_and_its_names_do_not_change()
    {
        var position = new ChannelPosition(7, long.MaxValue, long.MinValue, "7300000000000000001", 3, FirstSeq: 12, Began: 1764000000000);
        ChannelPosition.Decode(position.Encode()).ShouldBe(position);
        Encoding.UTF8.GetString(position.Encode()).ShouldBe(
            """{"channel":7,"next_seq":9223372036854775807,"hash":-9223372036854775808,"system":"7300000000000000001","timeline":3,"first_seq":12,"began":1764000000000}""");
        // A position of a relay that did not say yet with which row its transaction began.
        ChannelPosition.Decode("""{"channel":7,"next_seq":5,"hash":6,"system":"1","timeline":3}"""u8).ShouldBe(new ChannelPosition(7, 5, 6, "1", 3));
        Should.Throw<JsonException>(() => ChannelPosition.Decode("null"u8));
    }

    private static OutboxRow Row(long seq, string value = "") => new(1, seq, "out", null, Encoding.UTF8.GetBytes(value + seq), []);

    private static ChannelRows Found(long relayed, params long[] seqs) => new(1, relayed, [.. seqs.Select(s => Row(s))]);

    private static ChannelPosition At(long next) => new(1, next, Row(next - 1).Hash(), "1", 1);
}
