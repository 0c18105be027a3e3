using Onceward.Broker.Log;
using Onceward.Broker.Protocol;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Transactions;

/// <summary>The topic __transaction_state: every state of every transactional id, in order.</summary>
/// <remarks>
/// <para>Guarantee: what was appended without an error is as durable as an acknowledged record.</para>
/// <para>Concurrency: appends for different ids may overlap; those for one id are the caller's to order.</para>
/// <para>There is no compaction here: live states are written again, and the log's start moved before them, once it has grown far beyond them.</para>
/// </remarks>
internal sealed class TransactionLog(TopicRegistry topics, TimeProvider clock)
{
    public const string TopicName = "__transaction_state";
    private const int Partitions = 1; // Kafka's 50 spread ids over brokers; here there is one.
    private const int RecordsWorthRewriting = 10_000; // About 2 MB: read in well under a tenth of a second at the next start.
    private const int RecordsPerId = 10;

    /// <summary>What markers carry: it rises with every start, so that none of an earlier life counts.</summary>
    public int CoordinatorEpoch => Log.LeaderEpoch;

    /// <summary>How far the log has grown; to be given to <see cref="TruncateAsync"/> once every state was appended again.</summary>
    public long End => Log.HighWatermark;

    private PartitionLog Log => topics.GetOrCreateInternal(TopicName, Partitions).Partitions[0];

    /// <summary>The last state of each id. Creates nothing.</summary>
    /// <exception cref="InvalidDataException">A record cannot be read: states are not guessed.</exception>
    public IReadOnlyCollection<TransactionalProducer> Load()
    {
        if (!topics.TryGet(TopicName, out _))
            return [];
        var last = new Dictionary<string, TransactionalProducer>();
        foreach (var batch in RecordReader.Batches(Log))
        {
            if (!RecordReader.TryRead(batch, out var records))
                throw new InvalidDataException($"The batch at offset {batch.Header.BaseOffset} of {TopicName} cannot be read.");
            foreach (var record in records)
                Apply(last, record);
        }
        return last.Values;
    }

    /// <param name="transactionalId">Whose state it is.</param>
    /// <param name="state">Null: the id is forgotten.</param>
    /// <param name="cancellationToken">Whether it was appended is not known after a cancellation.</param>
    /// <returns>None, or that the coordinator is not available: the client tries again.</returns>
    public async ValueTask<ErrorCode> AppendAsync(string transactionalId, TransactionalProducer? state, CancellationToken cancellationToken)
    {
        var key = TransactionRecords.Key(transactionalId);
        var builder = new RecordBatchBuilder(clock.GetUtcNow().ToUnixTimeMilliseconds());
        var batch = (state is null ? builder.AddTombstone(key) : builder.Add(key, TransactionRecords.Value(state))).Build();
        try
        {
            var appended = await Log.AppendInternalAsync(batch, cancellationToken).ConfigureAwait(false);
            return appended.Error == ErrorCode.None ? ErrorCode.None : ErrorCode.CoordinatorNotAvailable;
        }
        catch (IOException) // The topic could not be created.
        {
            return ErrorCode.CoordinatorNotAvailable;
        }
    }

    public bool IsWorthRewriting(int liveIds) =>
        topics.TryGet(TopicName, out _) && Log.HighWatermark - Log.StartOffset > Math.Max(RecordsWorthRewriting, (long)RecordsPerId * liveIds);

    /// <summary>Forgets what was appended before, once all behind it is on disk: the start moves durably, whatever the flush policy.</summary>
    /// <exception cref="IOException">The disk failed; nothing was forgotten.</exception>
    public async ValueTask TruncateAsync(long before)
    {
        await Log.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        Log.DeleteRecords(before);
    }

    private static void Apply(Dictionary<string, TransactionalProducer> last, in StoredRecord record)
    {
        if (record.Key is not { } key)
            throw new InvalidDataException($"The record at offset {record.Offset} of {TopicName} has no key.");
        var transactionalId = TransactionRecords.ReadKey(key);
        if (record.Value is { } value)
            last[transactionalId] = TransactionRecords.ReadValue(transactionalId, value);
        else
            last.Remove(transactionalId);
    }
}
