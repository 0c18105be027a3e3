using Confluent.Kafka;

namespace Onceward.Broker.Crash;

/// <summary>The checker sees each way in which a log can be wrong, and none in a log that is right.</summary>
public sealed class CheckerTests
{
    private static readonly TopicPartition Plain = new(Names.Plain, 0);
    private static readonly TopicPartition Idempotent = new(Names.Idempotent, 0);
    private static readonly TopicPartition Transactional = new(Names.Transactional, 0);
    private static readonly TopicPartition Other = new(Names.Transactional, 1);

    [Fact]
    public void A_log_that_is_right_has_no_faults()
    {
        Faults(Right).ShouldBeEmpty();
        Checker.Faults(Told, Right, Right, quiet: true).ShouldBeEmpty();
    }

    [Fact]
    public void A_plain_record_may_be_there_again() => Faults(With(Plain, (0, 0, 0), (1, 0, 1), (2, 0, 0), (3, 0, 1), (4, 0, 2)), ToldOf(Plain, 0, 1, 4)).ShouldBeEmpty();

    [Fact]
    public void An_idempotent_record_may_not() => Faults(With(Idempotent, (0, 0, 0), (1, 0, 1), (2, 0, 1), (3, 0, 2)), ToldOf(Idempotent, 0, 1, 3)).ShouldHaveSingleItem().ShouldContain("again");

    [Theory]
    [InlineData(Names.Plain)]
    [InlineData(Names.Idempotent)]
    public void An_acknowledged_record_that_is_lost_is_missed(string topic)
    {
        var partition = new TopicPartition(topic, 0);
        Faults(With(partition, (0, 0, 0), (1, 0, 1))).ShouldContain(fault => fault.Contains("acknowledged record 2 is not at its offset"));
        Faults(With(partition, (0, 0, 0), (2, 0, 2))).ShouldContain(fault => fault.Contains("record 1 is missing"));
        Faults(With(partition, (0, 0, 1), (1, 0, 0), (2, 0, 2))).ShouldNotBeEmpty("the order is another");
    }

    [Fact]
    public void A_record_that_was_never_acknowledged_is_missed_when_all_is_settled()
    {
        var told = ToldOf(Plain, 0, 1, -1);
        Checker.Faults(told, Right, null, quiet: false).ShouldBeEmpty();
        Checker.Faults(told, Right, null, quiet: true).ShouldHaveSingleItem().ShouldContain("never acknowledged");
    }

    [Fact]
    public void A_committed_transaction_that_lacks_a_record_or_a_partition_is_missed()
    {
        Faults(With(Transactional, (0, 0, 0), (5, 0, 3))).ShouldContain(fault => fault.Contains("0:0 of 2+1+0") && fault.Contains("shows 1+1+0"));
        Faults(With(Other, (2, 0, 3))).ShouldContain(fault => fault.Contains("shows 2+0+0"));
    }

    [Fact]
    public void A_record_of_an_aborted_transaction_is_seen() =>
        Faults(With(Transactional, (0, 0, 0), (1, 0, 0), (3, 0, 1), (5, 0, 3))).ShouldContain(fault => fault.Contains("0:1") && fault.Contains("Aborted"));

    [Fact]
    public void A_transaction_in_doubt_is_whole_or_not_there()
    {
        Faults(With(Transactional, (0, 0, 0), (1, 0, 0), (5, 0, 3), (7, 0, 2))).ShouldContain(fault => fault.Contains("torn"));
        Checker.Faults(Told, With(Transactional, (0, 0, 0), (1, 0, 0), (5, 0, 3), (7, 0, 2)), null, quiet: false).ShouldNotContain(fault => fault.Contains("torn"));
    }

    [Fact]
    public void A_transaction_that_keeps_readers_waiting_for_ever_is_seen()
    {
        var log = Right.Partitions[Transactional];
        Faults(Right with { Partitions = new Dictionary<TopicPartition, SeenPartition>(Right.Partitions) { [Transactional] = log with { End = log.End - 2 } } })
            .ShouldHaveSingleItem().ShouldContain("no transaction is open");
    }

    [Fact]
    public void An_offset_that_goes_back_is_seen()
    {
        Faults(Right with { Offset = 6 }).ShouldHaveSingleItem().ShouldContain("7 was acknowledged");
        Faults(Right with { Offset = 9 }).ShouldHaveSingleItem().ShouldContain("nobody committed");
        Faults(Right with { TransactionalOffsets = [3, 0] }).ShouldContain(fault => fault.Contains("4 was committed"));
        Checker.Faults(Told, Right, Right with { Offset = 8 }, quiet: false).ShouldHaveSingleItem().ShouldContain("went back");
    }

    [Fact]
    public void A_log_that_ends_earlier_or_reads_otherwise_than_before_is_seen()
    {
        Checker.Faults(Told, Right, WithEnd(Plain, 9), quiet: false).ShouldHaveSingleItem().ShouldContain("went back from 9 to 3");
        Checker.Faults(ToldOf(Plain), With(Plain, (0, 0, 0), (1, 0, 0), (2, 0, 1)), Right, quiet: false).ShouldHaveSingleItem().ShouldContain("otherwise");
    }

    [Fact]
    public void What_a_client_must_not_be_told_is_a_fault() =>
        Checker.Faults(Told with { Failures = ["no"] }, Right, null, quiet: false).ShouldHaveSingleItem().ShouldContain("no");

    /// <summary>Three records in each stream; a committed transaction over two partitions, an aborted one, one in doubt that is not there, and another committed one.</summary>
    private static Told Told { get; } = ToldOf(Plain, 0, 1, 2);

    private static Seen Right { get; } = new(
        Names.PartitionsOf(Names.Plain, Names.Idempotent, Names.Transactional).ToDictionary(partition => partition, partition => partition switch
        {
            _ when partition == Plain || partition == Idempotent => Log((0, 0, 0), (1, 0, 1), (2, 0, 2)),
            _ when partition == Transactional => Log((0, 0, 0), (1, 0, 0), (5, 0, 3)),
            _ when partition == Other => Log((0, 0, 0), (2, 0, 3)),
            _ => Log(),
        }), Offset: 7, TransactionalOffsets: [4, 0]);

    private static List<string> Faults(Seen seen, Told? told = null) => Checker.Faults(told ?? Told, seen, null, quiet: true);

    private static Told ToldOf(TopicPartition partition, params long[] offsets) => new(
        new Dictionary<TopicPartition, long[]> { [Plain] = [0, 1, 2], [Idempotent] = [0, 1, 2], [partition] = offsets },
        [
            new Attempt(0, 0, [2, 1, 0], Fate.Committed), new Attempt(0, 1, [1, 1, 1], Fate.Aborted), new Attempt(0, 2, [1, 1, 0], Fate.InDoubt), new Attempt(0, 3, [1, 1, 0], Fate.Committed),
        ], OffsetTold: 7, OffsetTried: 8, []);

    private static Seen With(TopicPartition partition, params (long Offset, int Producer, long Number)[] entries) =>
        Right with { Partitions = new Dictionary<TopicPartition, SeenPartition>(Right.Partitions) { [partition] = Log(entries) } };

    private static Seen WithEnd(TopicPartition partition, long end) =>
        Right with { Partitions = new Dictionary<TopicPartition, SeenPartition>(Right.Partitions) { [partition] = Right.Partitions[partition] with { HighWatermark = end } } };

    private static SeenPartition Log(params (long Offset, int Producer, long Number)[] entries)
    {
        var end = entries.Length == 0 ? 0 : entries[^1].Offset + 1;
        return new SeenPartition([.. entries.Select(entry => new Entry(entry.Offset, entry.Producer, entry.Number))], end, end);
    }
}
