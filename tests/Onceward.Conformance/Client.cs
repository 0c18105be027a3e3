using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Onceward.Conformance;

/// <summary>Clients of the library that Onceward itself uses, on the broker that is asked.</summary>
internal static class Client
{
    public static IAdminClient Admin() => new AdminClientBuilder(new AdminClientConfig { BootstrapServers = Backend.Address }).Build();

    public static async Task<string> TopicAsync(int partitions = 1)
    {
        using var admin = Admin();
        var name = Backend.Name("client");
        await admin.CreateTopicsAsync([new TopicSpecification { Name = name, NumPartitions = partitions, ReplicationFactor = 1 }]);
        return name;
    }

    public static IProducer<string, string> Producer(Action<ProducerConfig>? configure = null)
    {
        var config = new ProducerConfig { BootstrapServers = Backend.Address, Acks = Acks.All, LingerMs = 5 };
        configure?.Invoke(config);
        return new ProducerBuilder<string, string>(config).Build();
    }

    public static IProducer<string, string> Transactional(string id)
    {
        var producer = Producer(c => c.TransactionalId = id);
        producer.InitTransactions(TimeSpan.FromSeconds(60));
        return producer;
    }

    public static IConsumer<string, string> Consumer(string? group = null, Action<ConsumerConfig>? configure = null)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = Backend.Address, GroupId = group ?? Backend.Name("group"), EnableAutoCommit = false, AutoOffsetReset = AutoOffsetReset.Earliest,
            EnablePartitionEof = true, SessionTimeoutMs = 10_000, HeartbeatIntervalMs = 500,
        };
        configure?.Invoke(config);
        return new ConsumerBuilder<string, string>(config).Build();
    }

    public static void Write(string topic, IEnumerable<string> values, Action<ProducerConfig>? configure = null)
    {
        using var producer = Producer(configure);
        var errors = new List<Error>();
        foreach (var value in values)
            producer.Produce(topic, new Message<string, string> { Key = value, Value = value }, r => errors.Add(r.Error));
        producer.Flush(TimeSpan.FromSeconds(60));
        errors.ShouldAllBe(e => !e.IsError);
    }

    /// <summary>All values of all partitions up to their ends.</summary>
    public static List<string> Read(string topic, int partitions = 1, IsolationLevel isolation = IsolationLevel.ReadCommitted)
    {
        using var consumer = Consumer(configure: c => c.IsolationLevel = isolation);
        consumer.Assign(Enumerable.Range(0, partitions).Select(p => new TopicPartitionOffset(topic, p, Offset.Beginning)));
        var values = new List<string>();
        for (var ended = 0; ended < partitions;)
        {
            var result = consumer.Consume(TimeSpan.FromSeconds(30)) ?? throw new TimeoutException($"The end of {topic} was not reached in 30 s.");
            if (result.IsPartitionEOF)
                ended++;
            else
                values.Add(result.Message.Value);
        }
        return values;
    }
}
