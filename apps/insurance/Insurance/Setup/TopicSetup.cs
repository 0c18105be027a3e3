using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Insurance.Contracts;
using Insurance.Kafka;

namespace Insurance.Setup;

/// <summary>Creates the topics of <see cref="Topology"/> that do not exist.</summary>
/// <remarks>
/// A topic that exists is never changed: a smaller one is a failure to tell about, because growing it moves keys; a larger one was grown
/// on purpose. While no broker answers, it tries again until its patience ends.
/// </remarks>
internal sealed class TopicSetup(ClientConfig client, TimeSpan patience, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestRequest = TimeSpan.FromSeconds(5);

    // One request must not outlast the patience for all of them.
    private readonly TimeSpan _requestTimeout = patience < LongestRequest ? patience : LongestRequest;

    /// <summary>One line; null where all went well.</summary>
    public string? Failure { get; private set; }

    public async Task<IReadOnlyList<string>> RunAsync()
    {
        // What librdkafka says on its own, once a second while nobody listens, is summed up in the one line of the failure.
        var builder = new AdminClientBuilder(new AdminClientConfig(new Dictionary<string, string>(client)))
            .SetLogHandler(static (_, _) => { })
            .SetErrorHandler(static (_, _) => { });
        using var admin = KafkaSettings.Build(builder.Build);
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await CreateAsync(admin);
            }
            catch (KafkaException exception) when (IsWorthRepeating(exception.Error) && time.GetElapsedTime(started) < patience)
            {
                await Task.Delay(Pause, time);
            }
            catch (KafkaException exception)
            {
                var seconds = time.GetElapsedTime(started).TotalSeconds;
                Failure = $"No topics at {client.BootstrapServers} after {seconds:0} s: {exception.Error.Reason}";
                return [];
            }
        }
    }

    private static bool IsWorthRepeating(Error error) =>
        !error.IsFatal && error.Code is not (
            ErrorCode.ClusterAuthorizationFailed or ErrorCode.TopicAuthorizationFailed or ErrorCode.SaslAuthenticationFailed or
            ErrorCode.InvalidPartitions or ErrorCode.InvalidReplicationFactor or ErrorCode.PolicyViolation or ErrorCode.InvalidConfig);

    private async Task<IReadOnlyList<string>> CreateAsync(IAdminClient admin)
    {
        var cluster = await admin.DescribeClusterAsync(new DescribeClusterOptions { RequestTimeout = _requestTimeout });
        var replicas = Math.Min(3, cluster.Nodes.Count);
        var lines = new List<string>();
        foreach (var topic in Topology.AllTopics)
        {
            try
            {
                await admin.CreateTopicsAsync([Specify(topic, replicas)], new CreateTopicsOptions { RequestTimeout = _requestTimeout });
                lines.Add($"{topic.Name}: created with {topic.Partitions} partitions and replication factor {replicas}");
            }
            catch (CreateTopicsException exception) when (exception.Results[0].Error.Code == ErrorCode.TopicAlreadyExists)
            {
                lines.Add(await CompareAsync(admin, topic));
            }
            catch (CreateTopicsException exception)
            {
                // The reason is in the result of the topic; the exception of the batch only says that there is one.
                throw new KafkaException(exception.Results[0].Error, exception);
            }
        }

        return lines;
    }

    private static TopicSpecification Specify(Topic topic, int replicas) => new()
    {
        Name = topic.Name,
        NumPartitions = topic.Partitions,
        ReplicationFactor = (short)replicas,
        // With three replicas one may be away, and what is acknowledged is still on two.
        Configs = replicas >= 3 ? new Dictionary<string, string> { ["min.insync.replicas"] = "2" } : [],
    };

    private async Task<string> CompareAsync(IAdminClient admin, Topic topic)
    {
        var described = await admin.DescribeTopicsAsync(
            TopicCollection.OfTopicNames([topic.Name]), new DescribeTopicsOptions { RequestTimeout = _requestTimeout });
        var partitions = described.TopicDescriptions[0].Partitions.Count;
        if (partitions < topic.Partitions)
            Failure = $"{topic.Name} has {partitions} of its {topic.Partitions} partitions: grow it, or delete it if it is empty.";
        return $"{topic.Name}: is there, with {partitions} partitions";
    }
}
