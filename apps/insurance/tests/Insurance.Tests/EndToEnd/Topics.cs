using System.Text;
using Confluent.Kafka;
using Google.Protobuf;
using Insurance.Contracts;

namespace Insurance.Tests.EndToEnd;

/// <summary>The topics of the system, from where they ended when the test began.</summary>
internal sealed class Topics
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _servers;
    private readonly List<TopicPartitionOffset> _starts = [];

    public Topics(string servers)
    {
        _servers = servers;
        using var consumer = Consumer();
        foreach (var topic in Topology.AllTopics)
        {
            for (var partition = 0; partition < topic.Partitions; partition++)
            {
                var at = new TopicPartition(topic.Name, partition);
                _starts.Add(new TopicPartitionOffset(at, consumer.QueryWatermarkOffsets(at, Patience).High));
            }
        }
    }

    /// <summary>Publishes events as the gateway does, in the order given.</summary>
    public void Send(params IEnumerable<PolicyEvent> events) =>
        Send(Topology.AutoEvents.Name, events.Select(e => (e.PolicyId, e.ToByteArray())));

    public void Send(string topic, params IEnumerable<(string Key, byte[] Value)> records)
    {
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig
        {
            BootstrapServers = _servers,
            Acks = Acks.All,
            EnableIdempotence = true,
            // As the gateway does it: one key, one partition, whoever produces.
            Partitioner = Partitioner.Murmur2Random,
        }).Build();
        Error? failed = null;
        foreach (var (key, value) in records)
            producer.Produce(topic, new Message<string, byte[]> { Key = key, Value = value }, r => failed ??= r.Error.IsError ? r.Error : null);
        producer.Flush(Patience).ShouldBe(0);
        failed.ShouldBeNull();
    }

    /// <summary>What a reader of committed data sees now under the keys that begin with <paramref name="prefix"/>, in the order of each partition.</summary>
    public List<ConsumeResult<byte[], byte[]>> Read(Topic topic, string prefix)
    {
        using var consumer = Consumer();
        consumer.Assign(_starts.Where(start => start.Topic == topic.Name));
        var records = new List<ConsumeResult<byte[], byte[]>>();
        for (var ended = 0; ended < topic.Partitions;)
        {
            var result = consumer.Consume(Patience) ?? throw new TimeoutException($"The end of {topic.Name} was not reached.");
            if (result.IsPartitionEOF)
                ended++;
            else if (Encoding.UTF8.GetString(result.Message.Key ?? []).StartsWith(prefix, StringComparison.Ordinal))
                records.Add(result);
        }

        return records;
    }

    public List<Premium> Premiums(string prefix) =>
        [.. Read(Topology.AutoPremiums, prefix).Select(record => Premium.Parser.ParseFrom(record.Message.Value))];

    private IConsumer<byte[], byte[]> Consumer() => new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
    {
        BootstrapServers = _servers,
        GroupId = $"reader-{Guid.NewGuid():N}",
        EnableAutoCommit = false,
        EnablePartitionEof = true,
        IsolationLevel = IsolationLevel.ReadCommitted,
    }).Build();
}
