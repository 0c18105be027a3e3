using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Log;

/// <summary>The producers of one partition: idempotence and open transactions. Guarded by the log's lock.</summary>
/// <remarks>
/// Rules of Apache Kafka's ProducerAppendInfo: an epoch never goes back, a new one starts at sequence 0, the next sequence follows the last, one of
/// the last five batches again is answered with its first offset, and of a producer that is not known any sequence is taken.
/// Costs nothing until the first producer comes.
/// </remarks>
internal sealed class ProducerStates
{
    private Dictionary<long, ProducerState>? states;
    private SortedDictionary<long, long>? openTransactions; // Producer by first offset.

    public IReadOnlyCollection<ProducerState> All => (IReadOnlyCollection<ProducerState>?)states?.Values ?? [];

    /// <summary>First offset of the earliest open transaction; null: none is open.</summary>
    public long? FirstOpenOffset
    {
        get
        {
            if (openTransactions is not { Count: > 0 })
                return null;
            foreach (var (firstOffset, _) in openTransactions)
                return firstOffset;
            throw new UnreachableException();
        }
    }

    public bool TryGet(long producerId, [NotNullWhen(true)] out ProducerState? state)
    {
        state = null;
        return states is not null && states.TryGetValue(producerId, out state);
    }

    /// <summary>The batch as it was appended before; null: it is new.</summary>
    public ProducedBatch? Repetition(in BatchHeader header) => TryGet(header.ProducerId, out var state) ? state.Repetition(header) : null;

    /// <summary>Whether the batch may be appended next. Changes nothing.</summary>
    /// <param name="header">Of a batch with a producer.</param>
    /// <param name="checkSequence">Not for what the broker writes itself in a producer's name.</param>
    public BatchProblem Check(in BatchHeader header, bool checkSequence)
    {
        TryGet(header.ProducerId, out var state);
        if (state is not null && header.ProducerEpoch < state.Epoch)
            return StaleEpoch(header.ProducerId, header.ProducerEpoch, state.Epoch);
        if (checkSequence && state is not null && Sequence(header, state) is { } expected)
        {
            return new BatchProblem(ErrorCode.OutOfOrderSequenceNumber,
                $"producer {header.ProducerId} epoch {header.ProducerEpoch} sent sequence {header.BaseSequence} where {expected} comes next");
        }
        if (header.IsTransactional && state?.MayWriteTransaction(header.ProducerEpoch) != true)
        {
            return new BatchProblem(ErrorCode.InvalidTxnState,
                $"producer {header.ProducerId} epoch {header.ProducerEpoch} has no transaction that includes this partition");
        }
        if (!header.IsTransactional && state is { TransactionStart: >= 0 })
            return new BatchProblem(ErrorCode.InvalidTxnState, $"producer {header.ProducerId} wrote outside of its open transaction");
        return BatchProblem.None;
    }

    public BatchProblem CheckMarker(long producerId, short epoch, int coordinatorEpoch)
    {
        if (!TryGet(producerId, out var state))
            return BatchProblem.None;
        if (epoch < state.Epoch)
            return StaleEpoch(producerId, epoch, state.Epoch);
        return coordinatorEpoch >= state.CoordinatorEpoch
            ? BatchProblem.None
            : new BatchProblem(ErrorCode.TransactionCoordinatorFenced, $"coordinator epoch {coordinatorEpoch} is older than {state.CoordinatorEpoch}");
    }

    /// <summary>Takes in a data batch that was appended.</summary>
    public void Appended(in BatchHeader header, long now)
    {
        var state = GetOrAdd(header.ProducerId, now);
        state.MoveTo(header.ProducerEpoch);
        state.LastTimestamp = header.MaxTimestamp;
        if (header.BaseSequence >= 0)
            state.Remember(new ProducedBatch(header.BaseSequence, header.LastSequence, header.LastOffset, header.LastOffsetDelta, header.MaxTimestamp));
        if (header.IsTransactional && state.TransactionStart < 0)
            Begin(state, header.BaseOffset);
    }

    /// <summary>Takes in a marker that was appended; says where the transaction that it ended began, or null where none was open.</summary>
    public long? Ended(in BatchHeader marker, int coordinatorEpoch, long now)
    {
        var state = GetOrAdd(marker.ProducerId, now);
        state.MoveTo(marker.ProducerEpoch);
        state.LastTimestamp = marker.MaxTimestamp;
        state.CoordinatorEpoch = coordinatorEpoch;
        state.EnlistedEpoch = -1;
        if (state.TransactionStart < 0)
            return null;
        var start = state.TransactionStart;
        state.TransactionStart = -1;
        openTransactions!.Remove(start);
        return start;
    }

    public void Enlist(long producerId, short epoch, long now) => GetOrAdd(producerId, now).EnlistedEpoch = epoch;

    /// <summary>Puts back a producer that a snapshot held.</summary>
    public ProducerState Restore(long producerId, long transactionStart, long now)
    {
        var state = GetOrAdd(producerId, now);
        if (transactionStart >= 0)
            Begin(state, transactionStart);
        return state;
    }

    public void Clear()
    {
        states = null;
        openTransactions = null;
    }

    /// <summary>Forgets who was silent since then, but for those with a transaction.</summary>
    public void Expire(long silentSince)
    {
        if (states is null)
            return;
        foreach (var state in states.Values)
        {
            if (state is { TransactionStart: < 0, EnlistedEpoch: < 0 } && state.LastSeen <= silentSince)
                states.Remove(state.ProducerId);
        }
    }

    private static int? Sequence(in BatchHeader header, ProducerState state)
    {
        if (state.Epoch < 0)
            return null;
        var expected = header.ProducerEpoch != state.Epoch ? 0 : (state.LastSequence + 1) & int.MaxValue;
        return header.BaseSequence == expected ? null : expected;
    }

    private static BatchProblem StaleEpoch(long producerId, short epoch, short known) => new(ErrorCode.InvalidProducerEpoch,
        $"producer {producerId} epoch {epoch} was replaced by epoch {known}");

    private void Begin(ProducerState state, long firstOffset)
    {
        state.TransactionStart = firstOffset;
        (openTransactions ??= [])[firstOffset] = state.ProducerId;
    }

    private ProducerState GetOrAdd(long producerId, long now)
    {
        states ??= [];
        if (!states.TryGetValue(producerId, out var state))
            states.Add(producerId, state = new ProducerState(producerId));
        state.LastSeen = now;
        return state;
    }
}
