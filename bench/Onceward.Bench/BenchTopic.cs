using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Onceward.Bench;

/// <summary>A topic that is filled once and read by every run.</summary>
internal sealed record BenchTopic(string Servers, string Name, int Partitions, int Count, int ValueBytes)
{
    // As many in a row go to one partition, so that a batch of the log is full with a thousand partitions too.
    private const int InARow = 100;

    /// <summary>A topic with records in it.</summary>
    public static async Task<BenchTopic> CreateAsync(string servers, int partitions, int count, int bytes)
    {
        var topic = new BenchTopic(servers, $"bench-{count}-{Guid.NewGuid():N}", partitions, count, bytes);
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = servers }).Build();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = topic.Name, NumPartitions = partitions, ReplicationFactor = -1 }]);
        if (count > 0)
            topic.Fill();
        return topic;
    }

    public static byte[] KeyOf(long number) => Encoding.UTF8.GetBytes($"key-{number % 5000:0000}");

    public async Task DeleteAsync()
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = Servers }).Build();
        await admin.DeleteTopicsAsync([Name]);
    }

    /// <summary>What a consumer of the hand-written contenders has in common with a worker's: see the worker's own settings.</summary>
    public ConsumerConfig Consumer() => new()
    {
        BootstrapServers = Servers,
        GroupId = $"{Name}.loop", // The client wants one; nothing is committed to it.
        EnableAutoCommit = false,
        EnableAutoOffsetStore = false,
        AutoOffsetReset = AutoOffsetReset.Error,
        IsolationLevel = IsolationLevel.ReadCommitted,
        CheckCrcs = true,
        FetchQueueBackoffMs = 20,
        QueuedMinMessages = 20_000,
        QueuedMaxMessagesKbytes = 16 * 1024,
        FetchWaitMaxMs = 100,
    };

    private void Fill()
    {
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig
        {
            BootstrapServers = Servers, Acks = Acks.All, EnableIdempotence = true, LingerMs = 20, QueueBufferingMaxMessages = 200_000, BatchSize = 256 * 1024,
        }).Build();
        for (var i = 0; i < Count; i++)
        {
            var message = new Message<byte[], byte[]> { Key = KeyOf(i), Value = Event.Encode(i, ValueBytes) };
            Produce(producer, new TopicPartition(Name, i / InARow % Partitions), message);
        }
        producer.Flush();
    }

    public static void Produce(IProducer<byte[], byte[]> producer, TopicPartition partition, Message<byte[], byte[]> message)
    {
        while (true)
        {
            try
            {
                // Fire and forget: a record that does not arrive fails the check of every run.
                producer.Produce(partition, message);
                return;
            }
            catch (ProduceException<byte[], byte[]> e) when (e.Error.Code is ErrorCode.Local_QueueFull)
            {
                producer.Poll(TimeSpan.FromMilliseconds(50));
            }
        }
    }
}
