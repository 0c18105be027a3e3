using Onceward.Broker.Storage;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Transactions;

/// <summary>Gives out producer ids, each one once in the life of a data directory.</summary>
/// <remarks>
/// A block is recorded, on disk, before the first id of it is given. A start, clean or not, begins a new block: the rest of the old one is
/// never used. Thread-safe; the one write in a thousand calls is made under the lock, since all others need its outcome.
/// </remarks>
internal sealed class ProducerIds(MetadataJournal journal)
{
    /// <summary>As many as Kafka reserves at once (ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE).</summary>
    public const int BlockSize = 1000;

    private readonly Lock giving = new();
    private long next;
    private long reserved; // The first id that is not ours to give.

    /// <exception cref="IOException">The disk is full or broken; no id was given.</exception>
    public long Next()
    {
        lock (giving)
        {
            if (next == reserved)
            {
                journal.Append(new ProducerIdsReserved(reserved + BlockSize));
                reserved += BlockSize;
            }
            return next++;
        }
    }

    /// <summary>Applies what the metadata log holds, before anybody asks.</summary>
    public void Replay(IEnumerable<MetadataRecord> records)
    {
        lock (giving)
        {
            foreach (var record in records.OfType<ProducerIdsReserved>())
                next = reserved = Math.Max(reserved, record.UpTo);
        }
    }

    /// <summary>The record that leads to what there is now.</summary>
    public IEnumerable<MetadataRecord> Live()
    {
        lock (giving)
            return reserved == 0 ? [] : [new ProducerIdsReserved(reserved)];
    }
}
