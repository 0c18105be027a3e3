using Microsoft.Extensions.Logging;
using Onceward.Broker.Log;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Groups;

/// <summary>Reads one partition of __consumer_offsets from its start: what its groups are now.</summary>
internal sealed class GroupReplay(ILogger logger)
{
    private readonly Dictionary<string, (GroupRecord? Record, GroupOffsets Offsets)> groups = new(StringComparer.Ordinal);

    /// <summary>Groups of which something is left.</summary>
    public IEnumerable<KeyValuePair<string, (GroupRecord? Record, GroupOffsets Offsets)>> Found =>
        groups.Where(static group => group.Value.Record is not null || group.Value.Offsets.Count > 0 || group.Value.Offsets.HasPending);

    /// <summary>How many records there were.</summary>
    /// <exception cref="IOException">The log cannot be read.</exception>
    public long Read(PartitionLog partition)
    {
        long count = 0;
        foreach (var batch in RecordReader.Batches(partition))
        {
            count += batch.Header.Count;
            if (batch.Commits is { } commit)
                End(batch.Header.ProducerId, commit);
            else if (!RecordReader.TryRead(batch, out var records) || !TryApply(batch, records))
                logger.GroupRecordUnreadable(partition.Topic, partition.Partition, batch.Header.BaseOffset);
        }
        return count;
    }

    private bool TryApply(in StoredBatch batch, List<StoredRecord> records)
    {
        try
        {
            foreach (var record in records)
            {
                if (record.Key is { } key && GroupRecords.Read(key, record.Value) is { } fact)
                    Apply(fact, batch.Header.IsTransactional ? batch.Header.ProducerId : -1);
            }
            return true;
        }
        catch (MalformedRequestException)
        {
            return false;
        }
    }

    private void Apply(in GroupFact fact, long producerId)
    {
        var (record, offsets) = groups.GetValueOrDefault(fact.GroupId, (null, new()));
        if (fact.Key is not { } key)
            record = fact.Group;
        else if (fact.Offset is not { } stored)
            offsets.Remove(key);
        else if (producerId < 0)
            offsets.Commit(key, stored);
        else
            offsets.Hold(producerId, key, stored);
        groups[fact.GroupId] = (record, offsets);
    }

    private void End(long producerId, bool commit)
    {
        foreach (var (_, offsets) in groups.Values)
            offsets.End(producerId, commit);
    }
}
