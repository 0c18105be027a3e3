using Onceward.Broker.Log;

namespace Onceward.Broker.Groups;

/// <summary>All groups of this broker: members, generations, assignments, offsets.</summary>
/// <remarks>Offsets and group state are records of the topic __consumer_offsets, in Kafka's own format; memory is a view of it.</remarks>
internal sealed class GroupCoordinator
{
    /// <summary>The partition of __consumer_offsets that holds a group; a transaction that commits the group's offsets includes it.</summary>
    public PartitionLog OffsetsLogOf(string groupId) => throw new NotImplementedException();

    /// <summary>Called after the marker of a transaction was appended to an offsets partition: its pending offsets become current, or go.</summary>
    public void TransactionEnded(PartitionLog offsetsLog, long producerId, bool committed) => throw new NotImplementedException();
}
