using Confluent.Kafka;

namespace Onceward.Faults.Checking;

/// <summary>Reads topics from the beginning to the end, as a reader of committed data.</summary>
internal static class TopicReader
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public static List<T> Read<T>(RunOptions options, string topic, int partitions, Func<ConsumeResult<byte[], byte[]>, T> read)
    {
        using var consumer = Build(options);
        consumer.Assign(Enumerable.Range(0, partitions).Select(p => new TopicPartitionOffset(topic, p, Offset.Beginning)));
        var (records, ended) = (new List<T>(), new HashSet<int>());
        while (ended.Count < partitions)
        {
            var result = consumer.Consume(s_patience) ?? throw new TimeoutException($"The end of {topic} was not reached: {s_patience.TotalSeconds} s without a record.");
            if (result.IsPartitionEOF)
                ended.Add(result.Partition.Value);
            else
                records.Add(read(result));
        }
        return records;
    }

    /// <summary>The last stable offset of each partition, by its number.</summary>
    public static long[] EndsOf(RunOptions options, string topic, int partitions)
    {
        using var consumer = Build(options);
        return [.. Enumerable.Range(0, partitions).Select(p => consumer.QueryWatermarkOffsets(new TopicPartition(topic, p), TimeSpan.FromSeconds(10)).High.Value)];
    }

    private static IConsumer<byte[], byte[]> Build(RunOptions options) => new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
    {
        BootstrapServers = options.Kafka, ClientId = "checker", GroupId = "checker", EnableAutoCommit = false, IsolationLevel = IsolationLevel.ReadCommitted,
        EnablePartitionEof = true, AutoOffsetReset = AutoOffsetReset.Error, CheckCrcs = true,
    }).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
}
