using Onceward.Faults.Checking;

namespace Onceward.Faults.Tests;

/// <summary>The checker is checked: a history is tampered with in one way, and the property that this breaks is seen broken.</summary>
public sealed class CheckerTests
{
    private readonly History _history = TrueHistory.Create();

    [Fact]
    public void A_true_history_holds()
    {
        var findings = Checker.Check(_history);
        findings.Violated.SelectMany(p => findings.ExamplesOf(p)).ShouldBeEmpty();
        findings.Holds.ShouldBeTrue();
    }

    [Fact]
    public void A_record_without_effect_is_lost()
    {
        _history.Ledger.RemoveAt(4);
        Broken(Property.AckedOnce, Property.Balances, Property.Output).Lost.ShouldBe(1);
    }

    [Fact]
    public void A_record_that_the_broker_acknowledged_and_lost_is_lost()
    {
        _history.Acked.Add(new AckedRecord(0, TrueHistory.Records, "k0", 99));
        Broken(Property.AckedOnce).Lost.ShouldBe(1);
    }

    [Fact]
    public void A_record_that_changed_after_its_acknowledgement_is_seen()
    {
        _history.Acked[2] = _history.Acked[2] with { Seq = 77 };
        Broken(Property.AckedOnce);
    }

    [Fact]
    public void An_effect_that_is_there_twice_is_a_duplicate()
    {
        _history.Ledger.Add(_history.Ledger[5] with { Id = 1000 });
        _history.Balances[_history.Ledger[5].Key] += _history.Ledger[5].Amount;
        Broken(Property.AckedOnce, Property.Output).Duplicated.ShouldBe(1);
    }

    [Fact]
    public void A_record_that_is_applied_and_a_dead_letter_is_a_duplicate()
    {
        _history.DeadLetters.Add(new Place(1, 2));
        Broken(Property.AckedOnce, Property.Output).Duplicated.ShouldBe(1);
    }

    [Fact]
    public void A_record_that_is_applied_and_parked_is_a_duplicate_and_not_drained()
    {
        _history.Parked.Add(new Place(1, 2));
        Broken(Property.AckedOnce, Property.Liveness).Duplicated.ShouldBe(1);
    }

    [Fact]
    public void A_sound_record_that_is_a_dead_letter_is_seen()
    {
        var row = _history.Ledger[0];
        _history.Ledger.RemoveAt(0);
        _history.Balances[row.Key] -= row.Amount;
        _history.DeadLetters.Add(new Place(row.Partition, row.Offset));
        Broken(Property.AckedOnce, Property.Output);
    }

    [Fact]
    public void An_effect_of_what_nobody_can_decode_is_seen()
    {
        _history.DeadLetters.Clear();
        _history.Ledger.Add(new LedgerRow(1000, 0, TrueHistory.UndecodableAt, "k0", -1, 0, 102));
        CheckedProperties().ShouldContain(Property.AckedOnce);
    }

    [Fact]
    public void Effects_of_a_key_in_another_order_are_seen()
    {
        var (first, second) = (_history.Ledger.FindIndex(r => r is { Partition: 1, Offset: 4 }), _history.Ledger.FindIndex(r => r is { Partition: 1, Offset: 6 }));
        (_history.Ledger[first], _history.Ledger[second]) = (_history.Ledger[second], _history.Ledger[first]);
        // Offset 6 now stands before 4 and 5, which both come too late.
        Broken(Property.KeyOrder).OutOfOrder.ShouldBe(2);
    }

    [Fact]
    public void A_balance_that_is_not_the_sum_is_seen()
    {
        _history.Balances["k1"]++;
        Broken(Property.Balances);
    }

    [Fact]
    public void An_effect_past_the_offset_is_seen()
    {
        _history.Ends[0] = _history.Ends[0] with { NextOffset = TrueHistory.Records - 1 };
        CheckedProperties().ShouldBe([Property.LedgerIsLog, Property.OffsetChain, Property.Liveness]);
    }

    [Fact]
    public void An_effect_of_no_visible_record_is_seen()
    {
        _history.Visible.RemoveAt(0);
        _history.Acked.RemoveAt(0);
        Broken(Property.LedgerIsLog);
    }

    [Fact]
    public void An_effect_of_another_record_is_seen()
    {
        _history.Ledger[0] = _history.Ledger[0] with { Amount = 6 };
        _history.Balances["k0"]++;
        Broken(Property.LedgerIsLog);
    }

    [Fact]
    public void An_effect_of_a_transaction_that_did_not_move_the_offset_over_it_is_seen()
    {
        _history.Ledger[0] = _history.Ledger[0] with { Transaction = 104 };
        Broken(Property.LedgerIsLog);
    }

    [Fact]
    public void A_redriven_effect_that_was_never_parked_is_seen()
    {
        _history.EverParked.Clear();
        Broken(Property.LedgerIsLog);
    }

    [Fact]
    public void A_message_that_is_missing_is_lost()
    {
        _history.Published.RemoveAt(3);
        Broken(Property.Output).Lost.ShouldBe(1);
    }

    [Fact]
    public void A_message_that_is_published_twice_is_a_duplicate()
    {
        _history.Published.Add(_history.Published[^1]);
        Broken(Property.Output).Duplicated.ShouldBe(1);
    }

    [Fact]
    public void A_message_of_another_record_is_seen()
    {
        _history.Published[0] = _history.Published[0] with { Cause = new Place(1, 0) };
        Broken(Property.Output);
    }

    [Fact]
    public void A_message_with_a_number_that_nobody_gave_is_seen()
    {
        _history.Published.Add(_history.Published[0] with { Channel = 77, Cause = new Place(7, 7) });
        Broken(Property.Output);
    }

    [Fact]
    public void Messages_of_a_key_in_another_order_are_seen()
    {
        var of = _history.Published.Select((m, i) => (m, i)).Where(p => p.m.Channel == 1).Select(p => p.i).ToArray();
        (_history.Published[of[2]], _history.Published[of[5]]) = (_history.Published[of[5]], _history.Published[of[2]]);
        Broken(Property.Output).OutOfOrder.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Messages_of_a_key_in_two_partitions_are_seen()
    {
        _history.Published[^1] = _history.Published[^1] with { TopicPartition = 1 };
        Broken(Property.Output);
    }

    [Fact]
    public void An_offset_that_goes_back_is_seen()
    {
        _history.Moves.Add(new OffsetMove(0, 0, 10, 8, 1, 1, "running", "a", 5000));
        _history.Moves.Add(new OffsetMove(0, 0, 8, 10, 1, 1, "running", "a", 5001));
        Broken(Property.OffsetChain);
    }

    [Fact]
    public void A_chain_with_a_gap_is_seen()
    {
        var at = _history.Moves.FindIndex(m => m is { Partition: 0, OldNext: 2 });
        _history.Moves[at] = _history.Moves[at] with { OldNext = 3 };
        CheckedProperties().ShouldContain(Property.OffsetChain);
    }

    [Fact]
    public void A_move_by_another_than_the_owner_of_the_epoch_is_seen()
    {
        var at = _history.Moves.FindIndex(m => m is { Partition: 1, OldNext: 6 });
        _history.Moves[at] = _history.Moves[at] with { Session = "a" };
        Broken(Property.OffsetChain);
    }

    [Fact]
    public void An_epoch_that_goes_back_is_seen()
    {
        var at = _history.Moves.FindLastIndex(m => m.Partition == 1);
        _history.Moves[at] = _history.Moves[at] with { NewEpoch = 1 };
        CheckedProperties().ShouldContain(Property.OffsetChain);
    }

    [Fact]
    public void A_claim_that_moves_the_offset_is_seen()
    {
        _history.Moves.Add(new OffsetMove(0, 0, 10, 12, 1, 2, "running", "b", 5000));
        CheckedProperties().ShouldContain(Property.OffsetChain);
    }

    [Fact]
    public void An_effect_of_an_aborted_transaction_is_seen()
    {
        _history.Ledger.Add(new LedgerRow(1000, 1, 10, "aborted-1", 0, 1_000_000, 158));
        CheckedProperties().ShouldContain(Property.NoAborted);
    }

    [Fact]
    public void A_visible_record_of_an_aborted_transaction_is_seen()
    {
        _history.Visible.Add(new LogRecord(1, 10, "aborted-1", 0, 1_000_000, RecordKind.Aborted));
        CheckedProperties().ShouldContain(Property.NoAborted);
    }

    [Fact]
    public void A_process_that_ended_by_itself_is_seen()
    {
        _history.UnexpectedExits.Add("worker-1 ended by itself");
        Broken(Property.Liveness);
    }

    [Fact]
    public void A_partition_that_is_stopped_is_seen()
    {
        _history.Ends[1] = _history.Ends[1] with { State = "stopped" };
        Broken(Property.Liveness);
    }

    [Fact]
    public void What_is_not_drained_in_time_is_seen()
    {
        var late = new History
        {
            Acked = _history.Acked, Visible = _history.Visible, Ledger = _history.Ledger, Balances = _history.Balances, DeadLetters = _history.DeadLetters,
            EverParked = _history.EverParked, Moves = _history.Moves, Published = _history.Published, Ends = _history.Ends, OutputTopic = _history.OutputTopic,
            DeadLetterTopic = _history.DeadLetterTopic, Drained = null,
        };
        Checker.Check(late).Violated.ShouldBe([Property.Liveness]);
    }

    [Fact]
    public void Of_a_topic_that_has_grown_a_key_has_an_order_in_each_partition()
    {
        LetOneKeyMove();
        Broken(Property.KeyOrder, Property.Output);
        _history.HasGrown = true;
        CheckedProperties().ShouldBeEmpty();
        var (first, second) = (_history.Ledger.FindIndex(r => r is { Partition: 1, Offset: 4 }), _history.Ledger.FindIndex(r => r is { Partition: 1, Offset: 6 }));
        (_history.Ledger[first], _history.Ledger[second]) = (_history.Ledger[second], _history.Ledger[first]);
        Broken(Property.KeyOrder).OutOfOrder.ShouldBe(2);
    }

    /// <summary>What was of the key k1 in partition 1 is of k0, which was in partition 0 before: the two have no common order.</summary>
    private void LetOneKeyMove()
    {
        Replace(_history.Visible, r => r with { Key = "k0" });
        Replace(_history.Acked, r => r with { Key = "k0" });
        Replace(_history.Ledger, r => r with { Key = "k0" });
        Replace(_history.Published, r => r with { Key = "k0" });
        _history.Balances["k0"] += _history.Balances["k1"];
        _history.Balances.Remove("k1");
    }

    private static void Replace<T>(List<T> list, Func<T, T> by)
    {
        for (var i = 0; i < list.Count; i++)
            list[i] = by(list[i]);
    }

    private Findings Broken(params Property[] properties)
    {
        var findings = Checker.Check(_history);
        findings.Violated.ShouldBe(properties, string.Join('\n', findings.Violated.SelectMany(p => findings.ExamplesOf(p))));
        return findings;
    }

    private IEnumerable<Property> CheckedProperties() => Checker.Check(_history).Violated;
}
