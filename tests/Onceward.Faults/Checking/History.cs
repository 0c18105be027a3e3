namespace Onceward.Faults.Checking;

/// <summary>What a record of the input is, as its key and value say.</summary>
internal enum RecordKind
{
    /// <summary>It is applied, at once or after its poison has worn off.</summary>
    Ordinary,

    /// <summary>Its handler never succeeds: a dead letter in the end.</summary>
    Hopeless,

    /// <summary>Its bytes are no message: a dead letter at once.</summary>
    Undecodable,

    /// <summary>It was written in a Kafka transaction that was aborted: nobody may ever see it.</summary>
    Aborted,
}

/// <summary>A record of the input as a reader of committed data sees it.</summary>
internal readonly record struct LogRecord(int Partition, long Offset, string Key, long Seq, long Amount, RecordKind Kind);

/// <summary>A record that the broker acknowledged, at this place.</summary>
internal readonly record struct AckedRecord(int Partition, long Offset, string Key, long Seq);

/// <summary>An effect. <c>Transaction</c> is PostgreSQL's id of the transaction that wrote it.</summary>
internal readonly record struct LedgerRow(long Id, int Partition, long Offset, string Key, long Seq, long Amount, long Transaction);

/// <summary>A place in the input.</summary>
internal readonly record struct Place(int Partition, long Offset);

/// <summary>A change of an offset row, as the audit trigger saw it. <c>Session</c> is the application name of who made it.</summary>
internal readonly record struct OffsetMove(
    long Id, int Partition, long? OldNext, long NewNext, long? OldEpoch, long NewEpoch, string State, string Session, long Transaction);

/// <summary>A message of the output or of the dead letters' topic, as a reader of committed data sees it.</summary>
/// <param name="Topic">Where it was published.</param>
/// <param name="TopicPartition">Where in it.</param>
/// <param name="Channel">The channel that its header names; -1 without one.</param>
/// <param name="Seq">The number that its header names.</param>
/// <param name="Key">Its key.</param>
/// <param name="Cause">The record of the input that caused it.</param>
/// <param name="KeySeq">The number of the cause within its key; -1 where it says none.</param>
internal readonly record struct OutMessage(string Topic, int TopicPartition, int Channel, long Seq, string Key, Place Cause, long KeySeq);

/// <summary>Where a partition of the input stands when the run is over.</summary>
internal readonly record struct PartitionEnd(int Partition, long NextOffset, long LogEnd, long Epoch, string State, int Channel, long NextOutSeq);

/// <summary>Everything the checker looks at. Lists are in the order of their source: offsets, ids of rows, offsets of topics.</summary>
internal sealed class History
{
    public List<AckedRecord> Acked { get; init; } = [];

    public List<LogRecord> Visible { get; init; } = [];

    public List<LedgerRow> Ledger { get; init; } = [];

    public Dictionary<string, long> Balances { get; init; } = [];

    public List<Place> DeadLetters { get; init; } = [];

    public List<Place> Parked { get; init; } = [];

    /// <summary>Every record that ever was parked.</summary>
    public HashSet<Place> EverParked { get; init; } = [];

    public List<OffsetMove> Moves { get; init; } = [];

    public List<OutMessage> Published { get; init; } = [];

    public string OutputTopic { get; init; } = "";

    public string DeadLetterTopic { get; init; } = "";

    public List<PartitionEnd> Ends { get; init; } = [];

    /// <summary>How long after the last fault everything was applied and published; <see langword="null"/> if it was not within the limit.</summary>
    public TimeSpan? Drained { get; init; } = TimeSpan.Zero;

    /// <summary>Keys moved to other partitions in the middle: their order holds within each.</summary>
    public bool HasGrown { get; set; }

    /// <summary>Within which a key's records have one order.</summary>
    public (string Key, int Partition) OrderOf(string key, int partition) => (key, HasGrown ? partition : -1);

    /// <summary>Processes that ended although nobody ended them.</summary>
    public List<string> UnexpectedExits { get; init; } = [];
}
