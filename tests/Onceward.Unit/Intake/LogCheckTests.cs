using Onceward.Intake;
using Onceward.Ledger;
using Onceward.TestSupport;

namespace Onceward.Unit.Intake;

/// <summary>The log as it was: records 0 to 5, of which 5 was applied last, then control records up to 8, where the ledger stands.</summary>
public sealed class LogCheckTests
{
    private const long Position = 8;
    private static readonly Confluent.Kafka.TopicPartition s_partition = new("orders", 0);
    private static readonly Anchor s_anchor = new(5, 3, 1_700_000_000_005, OffsetStore.RecordHash(At(5)));

    private readonly LogCheck _check = new(new OffsetRow(new PartitionKey(1, 0), Position, new Epoch(1), IsRunning: true, s_anchor), start: 5);

    [Fact]
    public void The_same_record_at_the_anchor_and_then_what_is_new_is_fine()
    {
        _check.See(At(5)).ShouldBe(LogFinding.Fine);
        _check.See(At(8)).ShouldBe(LogFinding.Fine);
        _check.See(At(20)).ShouldBe(LogFinding.Fine, "offsets have legal gaps");
        _check.SeeEnd(22).ShouldBe(LogFinding.Fine);
    }

    [Fact]
    public void Another_value_at_the_anchor_is_another_log() => _check.See(At(5, "another")).ShouldBe(LogFinding.AnotherRecord);

    [Fact]
    public void The_same_value_of_another_moment_is_another_log()
    {
        var record = At(5);
        record.Message.Timestamp = new Confluent.Kafka.Timestamp(1_700_000_000_006, Confluent.Kafka.TimestampType.CreateTime);
        _check.See(record).ShouldBe(LogFinding.AnotherRecord);
    }

    [Fact]
    public void The_same_record_under_a_later_leader_was_written_again() => _check.See(At(5, epoch: 4)).ShouldBe(LogFinding.AnotherRecord);

    [Fact]
    public void A_leader_epoch_that_is_not_known_says_nothing() => _check.See(At(5, epoch: null)).ShouldBe(LogFinding.Fine);

    [Theory]
    [InlineData(6)]
    [InlineData(7)]
    public void A_visible_record_between_anchor_and_position_was_not_there(long offset)
    {
        _check.See(At(5)).ShouldBe(LogFinding.Fine);
        _check.See(At(offset)).ShouldBe(LogFinding.UnknownRecord);
    }

    [Fact]
    public void Nor_may_it_be_there_when_the_anchor_is_not() => _check.See(At(6)).ShouldBe(LogFinding.UnknownRecord);

    [Fact]
    public void A_log_that_goes_on_without_the_anchor_is_to_be_asked_about()
    {
        _check.See(At(9)).ShouldBe(LogFinding.AnchorMissing);
        _check.SeeEnd(9).ShouldBe(LogFinding.AnchorMissing);
        _check.GoOnWithoutAnchor();
        _check.See(At(9)).ShouldBe(LogFinding.Fine);
        _check.SeeEnd(10).ShouldBe(LogFinding.Fine);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(7)]
    public void A_log_that_ends_before_the_position_was_cut(long end) => _check.SeeEnd(end).ShouldBe(LogFinding.EndsEarly);

    [Fact]
    public void A_leader_epoch_that_goes_back_is_another_log()
    {
        _check.See(At(5)).ShouldBe(LogFinding.Fine);
        _check.See(At(8, epoch: 7)).ShouldBe(LogFinding.Fine);
        _check.See(At(9, epoch: 7)).ShouldBe(LogFinding.Fine);
        _check.See(At(10, epoch: 6)).ShouldBe(LogFinding.LeaderEpochWentBack);
    }

    [Fact]
    public void What_lies_before_the_anchor_is_not_looked_at() => _check.See(At(2, "whatever", epoch: 1)).ShouldBe(LogFinding.Fine);

    [Fact]
    public void Without_an_anchor_everything_at_and_after_the_start_is_new()
    {
        var check = new LogCheck(new OffsetRow(new PartitionKey(1, 0), Position, new Epoch(1), IsRunning: true), start: Position);
        check.See(At(8)).ShouldBe(LogFinding.Fine);
        check.SeeEnd(9).ShouldBe(LogFinding.Fine);
    }

    [Fact]
    public void A_start_behind_the_anchor_that_retention_took_verifies_nothing_and_stops_nothing()
    {
        var check = new LogCheck(new OffsetRow(new PartitionKey(1, 0), Position, new Epoch(1), IsRunning: true, s_anchor), start: Position);
        check.See(At(8)).ShouldBe(LogFinding.Fine);
    }

    private static Record At(long offset, string? value = null, int? epoch = 3)
    {
        var record = TestRecord.At(s_partition, offset, value ?? $"value {offset}");
        record.LeaderEpoch = epoch;
        return record;
    }
}
