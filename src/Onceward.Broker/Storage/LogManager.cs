using Onceward.Broker.Log;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Storage;

/// <summary>All partition logs of a data directory, or of memory.</summary>
internal sealed class LogManager
{
    /// <summary>The log of a partition; created where it is missing. Files are opened when they are needed.</summary>
    public PartitionLog Open(string topic, int partition, Guid topicId, Func<TopicSettings> settings) => throw new NotImplementedException();

    /// <summary>Its records go at once; readers that hold a part of it read nothing.</summary>
    public void Delete(PartitionLog log) => throw new NotImplementedException();
}
