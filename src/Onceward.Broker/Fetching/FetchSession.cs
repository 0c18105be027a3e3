using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Fetching;

/// <summary>What a client asks again and again, so that it need not say it each time (KIP-227).</summary>
/// <remarks>A client has one request under way for a session; the lock is for those that break the rule.</remarks>
internal sealed class FetchSession(int id, bool byTopicId)
{
    private readonly Dictionary<(TopicKey Topic, int Partition), LinkedListNode<Entry>> entries = [];
    private readonly LinkedList<Entry> order = new();

    public Lock Guard { get; } = new();

    public int Id => id;

    public bool ByTopicId => byTopicId;

    /// <summary>The number that the next request must have.</summary>
    public int NextEpoch { get; private set; } = 1;

    public long LastUsed { get; set; }

    /// <summary>In the order in which they are read: those that had records last time come last.</summary>
    public IEnumerable<(TopicKey Topic, FetchPartition Asked)> Partitions => order.Select(entry => (entry.Topic, entry.Asked));

    public void Advance() => NextEpoch = NextEpoch == int.MaxValue ? 1 : NextEpoch + 1;

    public void Update(List<FetchTopic> asked, List<FetchTopic> forgotten)
    {
        foreach (var (topic, partition) in forgotten.SelectMany(topic => topic.Partitions, (topic, partition) => (topic.Topic, partition)))
        {
            if (entries.Remove((topic, partition.Partition), out var gone))
                order.Remove(gone);
        }
        foreach (var (topic, partition) in asked.SelectMany(topic => topic.Partitions, (topic, partition) => (topic.Topic, partition)))
        {
            if (entries.TryGetValue((topic, partition.Partition), out var known))
                known.Value.Asked = partition;
            else
                entries[(topic, partition.Partition)] = order.AddLast(new Entry(topic, partition));
        }
    }

    /// <summary>Whether the client has to be told, which is remembered as told.</summary>
    public bool Tell(TopicKey topic, in FetchResponsePartition fetched)
    {
        if (!entries.TryGetValue((topic, fetched.Partition), out var node))
            return false;
        var read = fetched.Read;
        var news = read.Records.Length > 0 || read.Error != ErrorCode.None || node.Value.Told != (read.HighWatermark, read.LastStableOffset, read.StartOffset);
        // After an error everything is news: the client has forgotten what it knew.
        node.Value.Told = read.Error == ErrorCode.None ? (read.HighWatermark, read.LastStableOffset, read.StartOffset) : null;
        if (read.Records.Length > 0)
        {
            order.Remove(node);
            order.AddLast(node);
        }
        return news;
    }

    private sealed class Entry(TopicKey topic, FetchPartition asked)
    {
        public TopicKey Topic => topic;

        public FetchPartition Asked { get; set; } = asked;

        public (long HighWatermark, long LastStableOffset, long StartOffset)? Told { get; set; }
    }
}
