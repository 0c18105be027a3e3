using Confluent.Kafka;

namespace Onceward.Broker.Crash;

/// <summary>Reads all there is, as new consumers, and where logs and groups stand.</summary>
internal static class LogReader
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Seen Read(int port)
    {
        var partitions = new Dictionary<TopicPartition, SeenPartition>();
        Read(port, IsolationLevel.ReadUncommitted, [.. Names.PartitionsOf(Names.Plain, Names.Idempotent)], partitions);
        Read(port, IsolationLevel.ReadCommitted, [.. Names.PartitionsOf(Names.Transactional)], partitions);
        return new Seen(
            partitions,
            Committed(port, Names.PlainGroup, new TopicPartition(Names.Plain, 0)),
            [.. Enumerable.Range(0, Names.TransactionalProducers).Select(id => Committed(port, Names.TransactionalGroup(id), new TopicPartition(Names.Transactional, 0)))]);
    }

    private static void Read(int port, IsolationLevel isolation, List<TopicPartition> from, Dictionary<TopicPartition, SeenPartition> into)
    {
        using var consumer = Consumer(port, "group-reader", isolation);
        consumer.Assign(from.Select(partition => new TopicPartitionOffset(partition, Offset.Beginning)));
        var entries = from.ToDictionary(partition => partition, _ => new List<Entry>());
        var ends = new Dictionary<TopicPartition, long>();
        while (ends.Count < from.Count)
        {
            var result = consumer.Consume(Patience) ?? throw new TimeoutException($"The ends of {string.Join(", ", from.Except(ends.Keys))} were not reached within {Patience}.");
            if (ends.ContainsKey(result.TopicPartition))
                continue;
            if (result.IsPartitionEOF)
                ends[result.TopicPartition] = result.Offset.Value;
            else
                entries[result.TopicPartition].Add(Names.Read(result.Offset.Value, result.Message.Value));
        }
        using var any = Consumer(port, "group-reader", IsolationLevel.ReadUncommitted); // The end of a log depends on who asks.
        foreach (var partition in from)
            into[partition] = new SeenPartition(entries[partition], ends[partition], any.QueryWatermarkOffsets(partition, Patience).High.Value);
    }

    private static long Committed(int port, string group, TopicPartition partition)
    {
        using var consumer = Consumer(port, group, IsolationLevel.ReadUncommitted);
        return Math.Max(0, consumer.Committed([partition], Patience).Single().Offset.Value);
    }

    private static IConsumer<Ignore, byte[]> Consumer(int port, string group, IsolationLevel isolation) => new ConsumerBuilder<Ignore, byte[]>(new ConsumerConfig
    {
        BootstrapServers = $"127.0.0.1:{port}", GroupId = group, EnableAutoCommit = false, EnablePartitionEof = true, IsolationLevel = isolation,
        AutoOffsetReset = AutoOffsetReset.Error, FetchWaitMaxMs = 10, ReconnectBackoffMs = 20, ReconnectBackoffMaxMs = 200,
    }).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
}
