using Onceward.Broker.Protocol;
using Onceward.Broker.Transactions;

namespace Onceward.Broker.Tests.Transactions;

/// <summary>The state machine of one transactional id, without any I/O.</summary>
public sealed class TransactionalProducerTests
{
    private const long Now = 1_000;
    private static readonly TransactionPartition A0 = new("a", 0);
    private static readonly TransactionPartition A1 = new("a", 1);

    private static TransactionalProducer Fresh => new("id") { ProducerId = 7 };

    private static TransactionalProducer Empty => Begun(Fresh);

    private static TransactionalProducer Ongoing => Next(Empty.Add(Empty.Identity, [A0], Now));

    private static TransactionalProducer Committing => Next(Ongoing.End(Ongoing.Identity, commit: true, Now));

    private static TransactionalProducer Aborting => Next(Ongoing.End(Ongoing.Identity, commit: false, Now));

    private static TransactionalProducer UsedUp => Empty with { Epoch = 32766 };

    [Fact]
    public void A_new_id_starts_at_epoch_0()
    {
        Empty.Identity.ShouldBe(new ProducerIdentity(7, 0));
        Empty.Status.ShouldBe(TransactionStatus.Empty);
        Empty.TimeoutMs.ShouldBe(60);
    }

    [Fact]
    public void Every_initialization_raises_the_epoch_and_keeps_the_producer_id() =>
        Begun(Begun(Empty)).Identity.ShouldBe(new ProducerIdentity(7, 2));

    [Fact]
    public void A_renewing_producer_must_have_the_current_epoch()
    {
        Next(Empty.Initialize(60, new(7, 0), Now, NoId)).Epoch.ShouldBe((short)1);
        Error(Empty.Initialize(60, new(7, 1), Now, NoId)).ShouldBe(ErrorCode.ProducerFenced);
        Error(Empty.Initialize(60, new(8, 0), Now, NoId)).ShouldBe(ErrorCode.ProducerFenced);
    }

    [Fact]
    public void A_renewal_whose_answer_was_lost_gets_the_same_epoch_again()
    {
        var renewed = Next(Empty.Initialize(60, new(7, 0), Now, NoId));
        Next(renewed.Initialize(60, new(7, 0), Now, NoId)).Identity.ShouldBe(renewed.Identity);
    }

    [Fact]
    public void After_another_producer_took_the_id_the_former_epoch_is_fenced()
    {
        var taken = Begun(Next(Empty.Initialize(60, new(7, 0), Now, NoId)));
        Error(taken.Initialize(60, new(7, 0), Now, NoId)).ShouldBe(ErrorCode.ProducerFenced);
        Error(taken.Initialize(60, new(7, 1), Now, NoId)).ShouldBe(ErrorCode.ProducerFenced);
    }

    [Fact]
    public void Used_up_epochs_lead_to_a_new_producer_id()
    {
        var rotated = Next(UsedUp.Initialize(60, null, Now, () => 8));
        rotated.Identity.ShouldBe(new ProducerIdentity(8, 0));
        Error(rotated.Initialize(60, new(7, 32766), Now, NoId)).ShouldBe(ErrorCode.ProducerFenced);
    }

    [Fact]
    public void A_producer_that_used_its_epochs_up_may_ask_again_if_the_answer_with_the_new_id_was_lost()
    {
        var rotated = Next(UsedUp.Initialize(60, new(7, 32766), Now, () => 8));
        Next(rotated.Initialize(60, new(7, 32766), Now, NoId)).Identity.ShouldBe(new ProducerIdentity(8, 0));
        Error(rotated.Initialize(60, new(7, 5), Now, NoId)).ShouldBe(ErrorCode.ProducerFenced);
    }

    [Fact]
    public void The_last_epoch_is_only_for_fencing()
    {
        var fenced = Next((Ongoing with { Epoch = 32766 }).Fence(Now)).Complete(Now);
        fenced.Epoch.ShouldBe(short.MaxValue);
        Next(fenced.Initialize(60, null, Now, () => 8)).Identity.ShouldBe(new ProducerIdentity(8, 0));
        var renewed = Next(fenced.Initialize(60, new(7, 32766), Now, () => 8));
        renewed.Identity.ShouldBe(new ProducerIdentity(8, 0));
        Next(renewed.Initialize(60, new(7, 32766), Now, NoId)).Identity.ShouldBe(new ProducerIdentity(8, 0));
    }

    [Fact]
    public void A_producer_whose_transaction_was_taken_may_renew_until_another_one_has_the_id()
    {
        var fenced = Next(Ongoing.Fence(Now)).Complete(Now);
        var renewed = Next(fenced.Initialize(60, new(7, 0), Now, NoId));
        renewed.Identity.ShouldBe(new ProducerIdentity(7, 1));
        Next(renewed.Initialize(60, new(7, 0), Now, NoId)).Identity.ShouldBe(new ProducerIdentity(7, 1));
        var taken = Begun(fenced);
        taken.Epoch.ShouldBe((short)2);
        Error(taken.Initialize(60, new(7, 0), Now, NoId)).ShouldBe(ErrorCode.ProducerFenced);
        Error(taken.Initialize(60, new(7, 1), Now, NoId)).ShouldBe(ErrorCode.ProducerFenced);
    }

    [Fact]
    public void An_id_that_was_forgotten_lets_its_producer_back_in() =>
        Next(Fresh.Initialize(60, new(3, 12), Now, NoId)).Identity.ShouldBe(new ProducerIdentity(7, 0));

    [Fact]
    public void Taking_an_id_with_an_open_transaction_aborts_it_under_a_new_epoch()
    {
        var fenced = Next(Ongoing.Initialize(60, null, Now, NoId));
        fenced.Status.ShouldBe(TransactionStatus.PrepareAbort);
        fenced.Epoch.ShouldBe((short)1);
        fenced.Partitions.ShouldBe([A0]);
        Begun(fenced.Complete(Now)).Epoch.ShouldBe((short)2);
    }

    [Fact]
    public void While_markers_are_owed_everything_else_waits()
    {
        foreach (var state in new[] { Committing, Aborting })
        {
            Error(state.Initialize(60, null, Now, NoId)).ShouldBe(ErrorCode.ConcurrentTransactions);
            Error(state.Add(state.Identity, [A1], Now)).ShouldBe(ErrorCode.ConcurrentTransactions);
            Error(state.End(state.Identity, state.Commits, Now)).ShouldBe(ErrorCode.ConcurrentTransactions);
            Error(state.End(state.Identity, !state.Commits, Now)).ShouldBe(ErrorCode.InvalidTxnState);
        }
    }

    [Fact]
    public void The_first_partition_begins_a_transaction_and_later_ones_join_it()
    {
        Ongoing.StartedAt.ShouldBe(Now);
        var both = Next(Ongoing.Add(Ongoing.Identity, [A0, A1], Now + 5));
        both.Partitions.ShouldBe([A0, A1], ignoreOrder: true);
        both.StartedAt.ShouldBe(Now);
        both.Add(both.Identity, [A1], Now).ShouldBe(Transition.Stay);
    }

    [Fact]
    public void Partitions_are_taken_from_nobody_else()
    {
        foreach (var state in new[] { Empty, Ongoing, Committing, Committing.Complete(Now) })
        {
            Error(state.Add(new(8, 0), [A0], Now)).ShouldBe(ErrorCode.InvalidProducerIdMapping);
            Error(state.Add(new(7, 1), [A0], Now)).ShouldBe(ErrorCode.ProducerFenced);
            Error(state.End(new(8, 0), commit: true, Now)).ShouldBe(ErrorCode.InvalidProducerIdMapping);
            Error(state.End(new(7, 1), commit: true, Now)).ShouldBe(ErrorCode.ProducerFenced);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_same_end_again_is_no_error_and_the_other_one_is(bool commit)
    {
        var ended = (commit ? Committing : Aborting).Complete(Now);
        ended.Status.ShouldBe(commit ? TransactionStatus.CompleteCommit : TransactionStatus.CompleteAbort);
        ended.Partitions.ShouldBeEmpty();
        ended.End(ended.Identity, commit, Now).ShouldBe(Transition.Stay);
        Error(ended.End(ended.Identity, !commit, Now)).ShouldBe(ErrorCode.InvalidTxnState);
    }

    [Fact]
    public void What_never_began_cannot_end() => Error(Empty.End(Empty.Identity, commit: false, Now)).ShouldBe(ErrorCode.InvalidTxnState);

    [Fact]
    public void The_next_transaction_starts_without_the_partitions_of_the_last()
    {
        var ended = Committing.Complete(Now);
        var next = Next(ended.Add(ended.Identity, [A1], Now + 9));
        next.Partitions.ShouldBe([A1]);
        next.StartedAt.ShouldBe(Now + 9);
    }

    [Fact]
    public void Only_an_id_without_a_transaction_expires()
    {
        Empty.IsExpired(Now).ShouldBeTrue();
        Committing.Complete(Now).IsExpired(Now).ShouldBeTrue();
        Empty.IsExpired(Now - 1).ShouldBeFalse();
        Ongoing.IsExpired(Now + 1_000_000).ShouldBeFalse();
        Committing.IsExpired(Now + 1_000_000).ShouldBeFalse();
    }

    private static TransactionalProducer Begun(TransactionalProducer state) => Next(state.Initialize(60, null, Now, NoId));

    private static long NoId() => throw new InvalidOperationException("no new producer id is due");

    private static TransactionalProducer Next(Transition transition)
    {
        transition.Error.ShouldBe(ErrorCode.None);
        return transition.Next.ShouldNotBeNull();
    }

    private static ErrorCode Error(Transition transition)
    {
        transition.Next.ShouldBeNull();
        return transition.Error;
    }
}
