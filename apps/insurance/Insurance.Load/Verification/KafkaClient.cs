using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Insurance.Load.Verification;

/// <summary>What verify asks a Kafka cluster: which partitions there are, where they end, and what is in them. It commits nothing.</summary>
internal sealed class KafkaClient : IDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(20);

    private static readonly (string Variable, string Setting)[] s_optional =
    [
        ("KAFKA_SECURITY_PROTOCOL", "security.protocol"),
        ("KAFKA_SASL_MECHANISM", "sasl.mechanism"),
        ("KAFKA_SASL_USERNAME", "sasl.username"),
        ("KAFKA_SASL_PASSWORD", "sasl.password"),
        ("KAFKA_SSL_CA_LOCATION", "ssl.ca.location"),
        ("KAFKA_SSL_CERTIFICATE_LOCATION", "ssl.certificate.location"),
        ("KAFKA_SSL_KEY_LOCATION", "ssl.key.location"),
        ("KAFKA_SSL_KEY_PASSWORD", "ssl.key.password"),
    ];

    private readonly Dictionary<string, string> _settings;
    private readonly IAdminClient _admin;

    private KafkaClient(Dictionary<string, string> settings)
    {
        _settings = settings;
        _admin = new AdminClientBuilder(new AdminClientConfig(settings)).SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
    }

    public static KafkaClient FromEnvironment()
    {
        const string servers = "KAFKA_BOOTSTRAP_SERVERS";
        if (Environment.GetEnvironmentVariable(servers) is not { Length: > 0 } bootstrap)
            throw new ToolException($"{servers} is not set: the premiums are read from the topic itself.");
        var settings = new Dictionary<string, string> { ["bootstrap.servers"] = bootstrap, ["client.id"] = "insurance-verify" };
        foreach (var (variable, setting) in s_optional)
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value)
                settings[setting] = value;
        return new KafkaClient(settings);
    }

    /// <summary>Where each partition ends for a reader of committed records; empty where there is no such topic.</summary>
    public async Task<Dictionary<TopicPartition, long>> EndsAsync(string topic)
    {
        var described = await DescribeAsync(topic);
        if (described is null)
            return [];
        var latest = described.Partitions.Select(partition => new TopicPartitionOffsetSpec
        {
            TopicPartition = new TopicPartition(topic, partition.Partition),
            OffsetSpec = OffsetSpec.Latest(),
        });
        var ends = await _admin.ListOffsetsAsync(
            latest, new ListOffsetsOptions { IsolationLevel = IsolationLevel.ReadCommitted, RequestTimeout = s_timeout });
        return ends.ResultInfos.ToDictionary(
            info => info.TopicPartitionOffsetError.TopicPartition, info => info.TopicPartitionOffsetError.Offset.Value);
    }

    /// <summary>The committed records from these offsets to the present ends, in the order of each partition.</summary>
    public IEnumerable<ConsumeResult<byte[], byte[]>> Read(IReadOnlyCollection<TopicPartitionOffset> from, CancellationToken cancellationToken)
    {
        if (from.Count == 0)
            yield break;
        var config = new ConsumerConfig(new Dictionary<string, string>(_settings))
        {
            GroupId = "insurance-verify", // The client wants one; with assigned partitions and no commits it is never joined.
            IsolationLevel = IsolationLevel.ReadCommitted,
            EnablePartitionEof = true,
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            QueuedMaxMessagesKbytes = 32 * 1024,
        };
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
        consumer.Assign(from);
        var open = from.Select(start => start.TopicPartition).ToHashSet();
        while (open.Count > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var result = consumer.Consume(s_timeout)
                ?? throw new ToolException($"Kafka sent nothing for {s_timeout.TotalSeconds:0} s, with {open.Count} partitions of {open.First().Topic} not at their end.");
            if (!result.IsPartitionEOF)
                yield return result;
            else if (open.Remove(result.TopicPartition))
                consumer.IncrementalUnassign([result.TopicPartition]);
        }

        consumer.Close();
    }

    public void Dispose() => _admin.Dispose();

    private async Task<TopicDescription?> DescribeAsync(string topic)
    {
        try
        {
            var described = await _admin.DescribeTopicsAsync(TopicCollection.OfTopicNames([topic]), new DescribeTopicsOptions { RequestTimeout = s_timeout });
            return described.TopicDescriptions[0];
        }
        catch (DescribeTopicsException exception) when (exception.Results.TopicDescriptions[0].Error.Code == ErrorCode.UnknownTopicOrPart)
        {
            return null;
        }
    }
}
