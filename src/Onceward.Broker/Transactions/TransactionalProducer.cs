using System.Collections.Immutable;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Transactions;

/// <summary>The producer that holds a transactional id, and its transaction: one state of the machine, and the ways out of it.</summary>
/// <remarks>
/// Immutable and without I/O. A transition says what the next state is; it holds once it is durable. Rules and errors are those of Apache
/// Kafka's TransactionCoordinator for producers without KIP-890: the epoch changes by InitProducerId, and by the broker when it takes a
/// transaction out of a producer's hands.
/// </remarks>
internal sealed record TransactionalProducer(string TransactionalId)
{
    public const short NoEpoch = -1;
    private const short LastEpochGiven = short.MaxValue - 1; // The one above it is left for fencing whoever has this one.

    public long ProducerId { get; init; } = -1;

    /// <summary>The id whose epochs were used up; -1: none.</summary>
    public long PreviousProducerId { get; init; } = -1;

    public short Epoch { get; init; } = NoEpoch;

    /// <summary>
    /// The epoch before this one, as long as no other producer took the id in between: who has it may renew. Its answer was lost, or its
    /// transaction was taken from it (KIP-588). Not kept across a restart.
    /// </summary>
    public short EpochBefore { get; init; } = NoEpoch;

    public int TimeoutMs { get; init; }

    public TransactionStatus Status { get; init; }

    public ImmutableHashSet<TransactionPartition> Partitions { get; init; } = [];

    /// <summary>Milliseconds since 1970 when the first partition was added; -1: never.</summary>
    public long StartedAt { get; init; } = -1;

    public long UpdatedAt { get; init; }

    public ProducerIdentity Identity => new(ProducerId, Epoch);

    public bool IsOngoing => Status == TransactionStatus.Ongoing;

    /// <summary>Whether markers are owed.</summary>
    public bool IsPrepared => Status is TransactionStatus.PrepareCommit or TransactionStatus.PrepareAbort;

    /// <summary>What is decided, or was: commit or abort.</summary>
    public bool Commits => Status is TransactionStatus.PrepareCommit or TransactionStatus.CompleteCommit;

    private bool IsEpochUsedUp => Epoch >= LastEpochGiven;

    /// <summary>InitProducerId: a producer takes the id, and the former one is fenced.</summary>
    /// <param name="timeoutMs">Of the transactions to come.</param>
    /// <param name="current">What the producer has, if it renews; must be the current one, or the former one after a lost answer.</param>
    /// <param name="now">Milliseconds since 1970.</param>
    /// <param name="freshId">Called at most once.</param>
    /// <returns>An open transaction is to be aborted first: then the next state is <see cref="TransactionStatus.PrepareAbort"/>, and the producer asks again.</returns>
    public Transition Initialize(int timeoutMs, ProducerIdentity? current, long now, Func<long> freshId)
    {
        if (current is { } asked && !MayBe(asked))
            return Transition.Refuse(ErrorCode.ProducerFenced);
        if (IsPrepared)
            return Transition.Refuse(ErrorCode.ConcurrentTransactions);
        if (IsOngoing)
            return Fence(now);
        var renewed = this with { TimeoutMs = timeoutMs, Status = TransactionStatus.Empty, Partitions = [], StartedAt = -1, UpdatedAt = now };
        if (current is { } renewing && Epoch != NoEpoch && renewing.Epoch != Epoch && (renewing.Epoch != EpochBefore || EpochBefore == NoEpoch))
            return Transition.Refuse(ErrorCode.ProducerFenced);
        var before = current?.Epoch ?? NoEpoch;
        if (IsEpochUsedUp)
            return Transition.To(renewed with { ProducerId = freshId(), PreviousProducerId = ProducerId, Epoch = 0, EpochBefore = before });
        return current is null || Epoch == NoEpoch || current.Value.Epoch == Epoch
            ? Transition.To(renewed with { Epoch = (short)(Epoch + 1), EpochBefore = Epoch == NoEpoch ? NoEpoch : before })
            : Transition.To(renewed); // The epoch that its lost answer held, or that shut it out: nobody else has it.
    }

    /// <summary>AddPartitionsToTxn and AddOffsetsToTxn: the first ones begin a transaction.</summary>
    public Transition Add(ProducerIdentity producer, IReadOnlyCollection<TransactionPartition> partitions, long now)
    {
        if (producer.Id != ProducerId)
            return Transition.Refuse(ErrorCode.InvalidProducerIdMapping);
        if (producer.Epoch != Epoch)
            return Transition.Refuse(ErrorCode.ProducerFenced);
        if (IsPrepared)
            return Transition.Refuse(ErrorCode.ConcurrentTransactions);
        if (IsOngoing)
        {
            var all = Partitions.Union(partitions);
            return all.Count == Partitions.Count ? Transition.Stay : Transition.To(this with { Partitions = all, UpdatedAt = now });
        }
        return Transition.To(this with { Status = TransactionStatus.Ongoing, Partitions = [.. partitions], StartedAt = now, UpdatedAt = now });
    }

    /// <summary>EndTxn. The same end again is no error; the other one is.</summary>
    public Transition End(ProducerIdentity producer, bool commit, long now)
    {
        if (producer.Id != ProducerId)
            return Transition.Refuse(ErrorCode.InvalidProducerIdMapping);
        if (producer.Epoch != Epoch)
            return Transition.Refuse(ErrorCode.ProducerFenced);
        if (IsOngoing)
            return Prepare(commit, now);
        if (Status == TransactionStatus.Empty || Commits != commit)
            return Transition.Refuse(ErrorCode.InvalidTxnState);
        return IsPrepared ? Transition.Refuse(ErrorCode.ConcurrentTransactions) : Transition.Stay;
    }

    /// <summary>Takes an open transaction from its producer: a new epoch shuts it out until it renews, and the end is to abort.</summary>
    public Transition Fence(long now) => (this with { Epoch = (short)(Epoch + 1), EpochBefore = Epoch }).Prepare(commit: false, now);

    /// <summary>Every partition has its marker.</summary>
    public TransactionalProducer Complete(long now) => this with
    {
        Status = Status == TransactionStatus.PrepareCommit ? TransactionStatus.CompleteCommit : TransactionStatus.CompleteAbort,
        Partitions = [],
        UpdatedAt = now,
    };

    /// <summary>Whether nobody has used the id for so long that it may be forgotten; never with a transaction open.</summary>
    public bool IsExpired(long unusedSince) => !IsOngoing && !IsPrepared && UpdatedAt <= unusedSince;

    private Transition Prepare(bool commit, long now) => Transition.To(this with
    {
        Status = commit ? TransactionStatus.PrepareCommit : TransactionStatus.PrepareAbort,
        UpdatedAt = now,
    });

    /// <summary>The epoch is checked where it is raised. An id that was just made anew, because the old one had expired, lets anybody in.</summary>
    private bool MayBe(ProducerIdentity asked) =>
        Epoch == NoEpoch || asked.Id == ProducerId || (asked.Id == PreviousProducerId && asked.Epoch >= LastEpochGiven);
}

/// <summary>What a request leads to.</summary>
/// <param name="Error">Why it is refused.</param>
/// <param name="Next">The next state; null without error: the request was carried out before.</param>
internal readonly record struct Transition(ErrorCode Error, TransactionalProducer? Next)
{
    public static Transition Stay => new(ErrorCode.None, null);

    public static Transition Refuse(ErrorCode error) => new(error, null);

    public static Transition To(TransactionalProducer next) => new(ErrorCode.None, next);
}
