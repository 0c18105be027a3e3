using System.Runtime.CompilerServices;

namespace Onceward.Broker.Log;

/// <summary>One of the last batches of a producer, to know it again.</summary>
internal readonly record struct ProducedBatch(int FirstSequence, int LastSequence, long LastOffset, int OffsetDelta, long Timestamp)
{
    public long FirstOffset => LastOffset - OffsetDelta;
}

/// <summary>What one partition remembers of one producer. Guarded by the log's lock.</summary>
internal sealed class ProducerState(long producerId)
{
    /// <summary>As many as a client may have in flight: ProducerStateEntry.NUM_BATCHES_TO_RETAIN of Apache Kafka.</summary>
    public const int Remembered = 5;

    private Ring batches;
    private int next;

    public long ProducerId => producerId;

    /// <summary>-1: nothing is known yet.</summary>
    public short Epoch { get; private set; } = -1;

    public int CoordinatorEpoch { get; set; } = -1;

    /// <summary>First offset of the open transaction; -1 without one.</summary>
    public long TransactionStart { get; set; } = -1;

    /// <summary>The epoch whose transaction may write here; -1: none.</summary>
    public short EnlistedEpoch { get; set; } = -1;

    public long LastTimestamp { get; set; } = -1;

    /// <summary>When this broker last heard of it, wall time. Not kept: after a restart the time counts anew.</summary>
    public long LastSeen { get; set; }

    public int BatchCount { get; private set; }

    public int LastSequence => BatchCount == 0 ? -1 : Newest.LastSequence;

    public bool MayWriteTransaction(short epoch) => EnlistedEpoch == epoch || (TransactionStart >= 0 && Epoch == epoch);

    /// <summary>0: the oldest that is remembered.</summary>
    public ProducedBatch Batch(int index) => batches[(next - BatchCount + index + Remembered) % Remembered];

    public ProducedBatch Newest => Batch(BatchCount - 1);

    public ProducedBatch? Repetition(in BatchHeader header)
    {
        if (header.ProducerEpoch != Epoch)
            return null;
        for (var i = 0; i < BatchCount; i++)
        {
            var batch = Batch(i);
            if (batch.FirstSequence == header.BaseSequence && batch.LastSequence == header.LastSequence)
                return batch;
        }
        return null;
    }

    /// <summary>A new epoch starts its sequence anew.</summary>
    public void MoveTo(short epoch)
    {
        if (epoch == Epoch)
            return;
        Epoch = epoch;
        BatchCount = 0;
    }

    public void Remember(in ProducedBatch batch)
    {
        batches[next] = batch;
        next = (next + 1) % Remembered;
        BatchCount = Math.Min(BatchCount + 1, Remembered);
    }

    [InlineArray(Remembered)]
    private struct Ring
    {
        private ProducedBatch first;
    }
}
