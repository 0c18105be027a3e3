namespace Onceward.Broker.Transactions;

/// <summary>Where a transactional id stands; numbered as Kafka stores it and named as Kafka shows it.</summary>
internal enum TransactionStatus : sbyte
{
    /// <summary>A producer has its id and has done nothing yet.</summary>
    Empty = 0,

    /// <summary>Partitions were added; the time-out runs.</summary>
    Ongoing = 1,

    /// <summary>Decided: every partition gets a commit marker, whatever happens.</summary>
    PrepareCommit = 2,

    /// <summary>Decided: every partition gets an abort marker, whatever happens.</summary>
    PrepareAbort = 3,

    /// <summary>Every partition has its commit marker.</summary>
    CompleteCommit = 4,

    /// <summary>Every partition has its abort marker.</summary>
    CompleteAbort = 5,

    /// <summary>Of Kafka, never here: an expired id is gone at once. Lists may be filtered by it.</summary>
    Dead = 6,

    /// <summary>Of Kafka, never here: fencing and the decision to abort are one record. Lists may be filtered by it.</summary>
    PrepareEpochFence = 7,
}

internal readonly record struct TransactionPartition(string Topic, int Partition);

/// <summary>What a producer signs its requests and batches with.</summary>
internal readonly record struct ProducerIdentity(long Id, short Epoch);
