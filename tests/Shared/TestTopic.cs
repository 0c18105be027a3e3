using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Onceward.TestSupport;

/// <summary>A topic of a test's own on a real broker.</summary>
public sealed class TestTopic
{
    private TestTopic(string name, int partitions) => (Name, Partitions) = (name, partitions);

    public string Name { get; }

    public int Partitions { get; }

    /// <summary>A topic that the test created in a way of its own.</summary>
    public static TestTopic Existing(string name, int partitions = 1) => new(name, partitions);

    /// <summary>Creates a topic whose name begins with <paramref name="prefix"/>.</summary>
    public static async Task<TestTopic> CreateAsync(string prefix, int partitions = 1, string? suffix = null)
    {
        var topic = new TestTopic($"{prefix}-{Guid.NewGuid():N}{suffix}", partitions);
        using var admin = Admin();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = topic.Name, NumPartitions = partitions, ReplicationFactor = 1 }]);
        return topic;
    }

    public static IAdminClient Admin() => new AdminClientBuilder(new AdminClientConfig { BootstrapServers = TestServers.Kafka }).Build();

    /// <summary>Produces values to fixed partitions and waits until all are acknowledged by the broker.</summary>
    public void Produce(IEnumerable<(int Partition, string Key, byte[] Value)> records, string? transactionalId = null)
    {
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig
        {
            BootstrapServers = TestServers.Kafka, Acks = Acks.All, EnableIdempotence = true, LingerMs = 5, TransactionalId = transactionalId,
            QueueBufferingMaxMessages = 1_000_000,
        }).Build();
        Error? failed = null;
        if (transactionalId is not null)
        {
            producer.InitTransactions(TimeSpan.FromSeconds(30));
            producer.BeginTransaction();
        }
        foreach (var (partition, key, value) in records)
            producer.Produce(new TopicPartition(Name, partition), new Message<string, byte[]> { Key = key, Value = value }, r => failed ??= r.Error.IsError ? r.Error : null);
        if (transactionalId is not null)
            producer.CommitTransaction(TimeSpan.FromSeconds(30));
        producer.Flush(TimeSpan.FromSeconds(60));
        if (failed is not null)
            throw new KafkaException(failed);
    }

    /// <summary>Everything a reader of committed data sees now, in the order of each partition.</summary>
    public List<ConsumeResult<string, byte[]>> ReadCommitted()
    {
        using var consumer = new ConsumerBuilder<string, byte[]>(new ConsumerConfig
        {
            BootstrapServers = TestServers.Kafka, GroupId = $"reader-{Guid.NewGuid():N}", EnableAutoCommit = false,
            IsolationLevel = IsolationLevel.ReadCommitted, EnablePartitionEof = true, AutoOffsetReset = AutoOffsetReset.Earliest,
        }).Build();
        consumer.Assign(Enumerable.Range(0, Partitions).Select(p => new TopicPartitionOffset(Name, p, Offset.Beginning)));
        var records = new List<ConsumeResult<string, byte[]>>();
        var ended = new HashSet<int>();
        while (ended.Count < Partitions)
        {
            var result = consumer.Consume(TimeSpan.FromSeconds(20)) ?? throw new TimeoutException($"The end of {Name} was not reached in 20 s.");
            if (result.IsPartitionEOF)
                ended.Add(result.Partition.Value);
            else
                records.Add(result);
        }
        return records;
    }
}
