using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Microsoft.Extensions.Options;

namespace Onceward.Hosting;

/// <summary>What the process knows of the Kafka cluster, and its administrative client.</summary>
internal sealed class Cluster(IOptions<OncewardOptions> options) : IDisposable
{
    private readonly Lazy<IAdminClient> _admin = new(() =>
        new AdminClientBuilder(new AdminClientConfig(new Dictionary<string, string>(options.Value.Client)) { BootstrapServers = options.Value.BootstrapServers })
            .SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build());

    public IAdminClient Admin => _admin.Value;

    /// <summary>The id that the cluster was formatted with: two clusters never share one.</summary>
    public async Task<string> IdAsync(CancellationToken cancellationToken)
    {
        var description = await Admin.DescribeClusterAsync(new DescribeClusterOptions { RequestTimeout = s_timeout })
            .WaitAsync(cancellationToken).ConfigureAwait(false);
        return description.ClusterId;
    }

    /// <summary>The topics with their ids, which change when a topic is deleted and created again.</summary>
    /// <exception cref="OncewardException">A topic does not exist, or may not be described.</exception>
    public async Task<Dictionary<string, TopicDescription>> TopicsAsync(IEnumerable<string> names, CancellationToken cancellationToken)
    {
        var descriptions = await DescribeAsync(names, cancellationToken).ConfigureAwait(false);
        var missing = descriptions.Where(d => d.Error.IsError).Select(d => $"{d.Name} ({d.Error.Reason})").ToArray();
        if (missing.Length > 0)
            throw new OncewardException(
                ErrorCodes.Topic, $"Cannot read {string.Join(", ", missing)}. Create the topic, or allow this client to describe it.", isTransient: true);
        return descriptions.ToDictionary(d => d.Name);
    }

    /// <summary>Those of the topics that exist.</summary>
    /// <exception cref="OncewardException">Whether a topic exists could not be learned.</exception>
    public async Task<Dictionary<string, TopicDescription>> FindTopicsAsync(IEnumerable<string> names, CancellationToken cancellationToken)
    {
        var descriptions = await DescribeAsync(names, cancellationToken).ConfigureAwait(false);
        var unclear = descriptions.Find(d => d.Error is { IsError: true, Code: not (ErrorCode.UnknownTopicOrPart or ErrorCode.UnknownTopicId) });
        return unclear is null
            ? descriptions.Where(d => !d.Error.IsError).ToDictionary(d => d.Name)
            : throw new OncewardException(ErrorCodes.Topic, $"Cannot describe {unclear.Name}: {unclear.Error.Reason}.", isTransient: true);
    }

    /// <summary>The first offset of each partition and the last stable one, at which a reader of committed data stands still.</summary>
    /// <exception cref="KafkaException">A partition has no leader at the moment, or does not exist.</exception>
    public async Task<Dictionary<TopicPartition, LogBounds>> BoundsAsync(IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancellationToken)
    {
        if (partitions.Count == 0)
            return [];
        var low = OffsetsAsync(partitions, OffsetSpec.Earliest(), cancellationToken);
        var end = OffsetsAsync(partitions, OffsetSpec.Latest(), cancellationToken);
        await Task.WhenAll(low, end).ConfigureAwait(false);
        var lows = await low.ConfigureAwait(false);
        return (await end.ConfigureAwait(false)).ToDictionary(e => e.Key, e => new LogBounds(lows[e.Key], e.Value));
    }

    /// <summary>The last stable offset of each partition, and the end of its log behind which nothing is written yet.</summary>
    public async Task<Dictionary<TopicPartition, (long Stable, long End)>> EndsAsync(IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancellationToken)
    {
        var stable = await OffsetsAsync(partitions, OffsetSpec.Latest(), cancellationToken).ConfigureAwait(false);
        var end = await OffsetsAsync(partitions, OffsetSpec.Latest(), cancellationToken, IsolationLevel.ReadUncommitted).ConfigureAwait(false);
        return end.ToDictionary(e => e.Key, e => (stable[e.Key], e.Value));
    }

    /// <summary>The first offset whose record has this timestamp or a later one; null: there is none.</summary>
    public async Task<Dictionary<TopicPartition, long?>> OffsetsAtAsync(
        IReadOnlyCollection<TopicPartition> partitions, DateTimeOffset time, CancellationToken cancellationToken)
    {
        var answer = await Admin.ListOffsetsAsync(
            partitions.Select(p => new TopicPartitionOffsetSpec { TopicPartition = p, OffsetSpec = OffsetSpec.ForTimestamp(time.ToUnixTimeMilliseconds()) }),
            new ListOffsetsOptions { RequestTimeout = s_timeout, IsolationLevel = IsolationLevel.ReadCommitted }).WaitAsync(cancellationToken).ConfigureAwait(false);
        return answer.ResultInfos.ToDictionary(
            info => info.TopicPartitionOffsetError.TopicPartition,
            info => info.TopicPartitionOffsetError is var at && at.Error.IsError ? throw new KafkaException(at.Error) : at.Offset.Value < 0 ? (long?)null : at.Offset.Value);
    }

    /// <summary>What a group has committed; partitions without a commit are left out.</summary>
    /// <exception cref="OncewardException">The group still has members.</exception>
    public async Task<Dictionary<TopicPartition, long>> CommittedAsync(string group, IReadOnlyList<TopicPartition> partitions, CancellationToken cancellationToken)
    {
        var description = await Admin.DescribeConsumerGroupsAsync([group], new DescribeConsumerGroupsOptions { RequestTimeout = s_timeout })
            .WaitAsync(cancellationToken).ConfigureAwait(false);
        if (description.ConsumerGroupDescriptions[0] is { State: not (ConsumerGroupState.Empty or ConsumerGroupState.Dead or ConsumerGroupState.Unknown) } live)
            throw new OncewardException(
                ErrorCodes.Topic, $"Group '{group}' is to be adopted, but is {live.State} with {live.Members.Count} members, which would go on where we begin. Stop them.", isTransient: true);
        var answer = await Admin.ListConsumerGroupOffsetsAsync(
            [new ConsumerGroupTopicPartitions(group, [.. partitions])], new ListConsumerGroupOffsetsOptions { RequestTimeout = s_timeout, RequireStableOffsets = true })
            .WaitAsync(cancellationToken).ConfigureAwait(false);
        return answer[0].Partitions.Where(p => p.Error.IsError ? throw new KafkaException(p.Error) : p.Offset.Value >= 0)
            .ToDictionary(p => p.TopicPartition, p => p.Offset.Value);
    }

    /// <summary>Whether the group has this member.</summary>
    public async Task<bool> IsMemberAsync(string group, string member, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await Admin.DescribeConsumerGroupsAsync([group], new DescribeConsumerGroupsOptions { RequestTimeout = s_timeout })
                .WaitAsync(cancellationToken).ConfigureAwait(false);
            return answer.ConsumerGroupDescriptions[0].Members.Exists(m => m.ConsumerId == member);
        }
        catch (DescribeConsumerGroupsException e) when (e.Results.ConsumerGroupDescriptions[0].Error.Code is ErrorCode.GroupIdNotFound)
        {
            return false;
        }
    }

    /// <summary>Whether records may vanish from the middle of the topic's logs.</summary>
    public async Task<bool> IsCompactedAsync(string topic, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await Admin.DescribeConfigsAsync(
                [new ConfigResource { Type = ResourceType.Topic, Name = topic }], new DescribeConfigsOptions { RequestTimeout = s_timeout })
                .WaitAsync(cancellationToken).ConfigureAwait(false);
            return answer[0].Entries.TryGetValue("cleanup.policy", out var policy) && policy.Value.Contains("compact", StringComparison.Ordinal);
        }
        // Its own error says only that there are some among the results.
        catch (DescribeConfigsException e) when (e.Results.Find(r => r.Error.IsError) is { } failed)
        {
            throw new KafkaException(failed.Error, e);
        }
    }

    private async Task<List<TopicDescription>> DescribeAsync(IEnumerable<string> names, CancellationToken cancellationToken)
    {
        var topics = names.ToArray();
        if (topics.Length == 0)
            return [];
        try
        {
            var answer = await Admin.DescribeTopicsAsync(TopicCollection.OfTopicNames(topics), new DescribeTopicsOptions { RequestTimeout = s_timeout })
                .WaitAsync(cancellationToken).ConfigureAwait(false);
            return answer.TopicDescriptions;
        }
        catch (DescribeTopicsException e)
        {
            return e.Results.TopicDescriptions;
        }
    }

    private async Task<Dictionary<TopicPartition, long>> OffsetsAsync(
        IReadOnlyCollection<TopicPartition> partitions, OffsetSpec spec, CancellationToken cancellationToken, IsolationLevel isolation = IsolationLevel.ReadCommitted)
    {
        var answer = await Admin.ListOffsetsAsync(
            partitions.Select(p => new TopicPartitionOffsetSpec { TopicPartition = p, OffsetSpec = spec }),
            new ListOffsetsOptions { RequestTimeout = s_timeout, IsolationLevel = isolation }).WaitAsync(cancellationToken).ConfigureAwait(false);
        return answer.ResultInfos.ToDictionary(
            info => info.TopicPartitionOffsetError.TopicPartition,
            info => info.TopicPartitionOffsetError is var at && (at.Error.IsError || at.Offset.Value < 0)
                // A partition without a leader may be answered without an error, and without an offset.
                ? throw new KafkaException(at.Error.IsError ? at.Error : new Error(ErrorCode.LeaderNotAvailable))
                : at.Offset.Value);
    }

    public void Dispose()
    {
        if (_admin.IsValueCreated)
            _admin.Value.Dispose();
    }

    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(5);
}

/// <summary>What a partition holds for a reader of committed data: offsets from <c>Low</c> up to, not including, <c>End</c>.</summary>
internal readonly record struct LogBounds(long Low, long End);
