using Confluent.Kafka;

namespace Onceward.Handling;

/// <summary>What is known of the records of a batch from attempts that could not go on: which of them must not be tried again in this batch.</summary>
/// <remarks>Belongs to one lane, and is forgotten with the end of the batch; or to a redrive, which forgets record by record.</remarks>
internal sealed class Suspects
{
    private readonly Dictionary<(TopicPartitionOffset First, int Count), Exception> _parts = [];
    private readonly Dictionary<TopicPartitionOffset, Exception> _culprits = [];

    /// <summary>These records together failed so; or just the <paramref name="culprit"/>, where it is known.</summary>
    public void Add(ReadOnlyMemory<Record> part, Record? culprit, Exception failure)
    {
        if (culprit is not null)
            _culprits[culprit.TopicPartitionOffset] = failure;
        else
            _parts[(part.Span[0].TopicPartitionOffset, part.Length)] = failure;
    }

    /// <summary>How these records would fail, if that is known.</summary>
    public Exception? Find(ReadOnlyMemory<Record> part)
    {
        if (_parts.Count > 0 && _parts.TryGetValue((part.Span[0].TopicPartitionOffset, part.Length), out var known))
            return known;
        if (_culprits.Count > 0)
            foreach (var record in part.Span)
                if (_culprits.TryGetValue(record.TopicPartitionOffset, out known))
                    return known;
        return null;
    }

    /// <summary>The record has had its attempt: the next one is a new try.</summary>
    public void Forget(Record record)
    {
        _culprits.Remove(record.TopicPartitionOffset);
        _parts.Remove((record.TopicPartitionOffset, 1));
    }

    public void Clear()
    {
        _parts.Clear();
        _culprits.Clear();
    }
}
