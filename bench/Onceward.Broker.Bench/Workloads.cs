using System.Diagnostics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Onceward.Broker.Bench;

/// <summary>What is measured, by the client that users have. Every line checks that what it counted really arrived.</summary>
internal static class Workloads
{
    public const int SyncSends = 5_000;
    private const int RecordsInTransaction = 1_000;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>Records a second, from the first send to the last acknowledgement.</summary>
    public static double Produce(string servers, string topic, int records, int bytes, bool idempotent)
    {
        using var producer = Producer(servers, config => config.EnableIdempotence = idempotent);
        var value = Payload(bytes);
        Send(producer, topic, value); // connected, and with a producer id where there is one
        FlushAll(producer);
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < records; i++)
            Send(producer, topic, value);
        FlushAll(producer);
        return records / watch.Elapsed.TotalSeconds;
    }

    /// <summary>Records a second, a thousand in a transaction.</summary>
    public static double Transactions(string servers, string topic, int records, int bytes)
    {
        using var producer = Producer(servers, config => config.TransactionalId = $"bench-{Guid.NewGuid():N}");
        producer.InitTransactions(s_patience);
        var value = Payload(bytes);
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < records; i += RecordsInTransaction)
        {
            producer.BeginTransaction();
            for (var j = 0; j < RecordsInTransaction; j++)
                Send(producer, topic, value);
            producer.CommitTransaction(s_patience);
        }
        return records / watch.Elapsed.TotalSeconds;
    }

    /// <summary>Records a second, from the start of a consumer that is assigned by hand to the last record.</summary>
    public static double Consume(string servers, string topic, int records)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = servers, GroupId = "bench", EnableAutoCommit = false, EnableAutoOffsetStore = false, QueuedMinMessages = 100_000, FetchQueueBackoffMs = 10,
        };
        using var consumer = new ConsumerBuilder<Ignore, byte[]>(config).Build();
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
        var watch = Stopwatch.StartNew();
        for (var seen = 0; seen < records; seen++)
        {
            if (consumer.Consume(s_patience) is null)
                throw new TimeoutException($"{seen} of {records} records came");
        }
        return records / watch.Elapsed.TotalSeconds;
    }

    /// <summary>Microseconds from a send to its acknowledgement by all replicas, one after the other, nothing waiting to be batched; sorted.</summary>
    public static double[] SyncLatencies(string servers, string topic, int bytes)
    {
        using var producer = Producer(servers, config => config.LingerMs = 0, reports: true);
        var value = Payload(bytes);
        var latencies = new double[SyncSends];
        for (var i = -100; i < SyncSends; i++) // the first hundred warm up
        {
            using var done = new ManualResetEventSlim();
            var sent = Stopwatch.GetTimestamp();
            Error? error = null;
            producer.Produce(new TopicPartition(topic, 0), new Message<Null, byte[]> { Value = value }, report => { error = report.Error; done.Set(); });
            done.Wait(s_patience);
            if (error is not { IsError: false })
                throw new InvalidOperationException($"a send failed: {error}");
            if (i >= 0)
                latencies[i] = Stopwatch.GetElapsedTime(sent).TotalMicroseconds;
        }
        Array.Sort(latencies);
        return latencies;
    }

    public static async Task<string> CreateTopicAsync(string servers, bool keeps)
    {
        var topic = $"bench-{Guid.NewGuid():N}";
        if (!keeps)
            return topic; // The mock knows no CreateTopics, and makes every topic that is asked for.
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = servers }).Build();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = 1, ReplicationFactor = 1 }]);
        return topic;
    }

    public static async Task DeleteTopicAsync(string servers, string topic, bool keeps)
    {
        if (!keeps)
            return;
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = servers }).Build();
        await admin.DeleteTopicsAsync([topic]);
    }

    /// <summary>Where a partition ends: what was acknowledged must be there.</summary>
    public static long EndOf(string servers, string topic)
    {
        using var consumer = new ConsumerBuilder<Ignore, Ignore>(new ConsumerConfig { BootstrapServers = servers, GroupId = "bench" }).Build();
        return consumer.QueryWatermarkOffsets(new TopicPartition(topic, 0), s_patience).High.Value;
    }

    private static IProducer<Null, byte[]> Producer(string servers, Action<ProducerConfig> configure, bool reports = false)
    {
        var config = new ProducerConfig
        {
            BootstrapServers = servers, Acks = Acks.All, LingerMs = 5, BatchSize = 1_000_000, BatchNumMessages = 10_000, QueueBufferingMaxMessages = 500_000, EnableDeliveryReports = reports,
        };
        configure(config);
        return new ProducerBuilder<Null, byte[]>(config).Build();
    }

    private static byte[] Payload(int bytes)
    {
        var value = new byte[bytes];
        new Random(1).NextBytes(value);
        return value;
    }

    private static void Send(IProducer<Null, byte[]> producer, string topic, byte[] value)
    {
        while (true)
        {
            try
            {
                producer.Produce(new TopicPartition(topic, 0), new Message<Null, byte[]> { Value = value });
                return;
            }
            catch (ProduceException<Null, byte[]> e) when (e.Error.Code is ErrorCode.Local_QueueFull)
            {
                producer.Poll(TimeSpan.FromMilliseconds(10));
            }
        }
    }

    private static void FlushAll(IProducer<Null, byte[]> producer)
    {
        var left = producer.Flush(TimeSpan.FromMinutes(2));
        if (left > 0)
            throw new TimeoutException($"{left} records were not acknowledged");
    }
}
