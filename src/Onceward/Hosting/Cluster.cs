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

    /// <summary>The topics' ids, which change when a topic is deleted and created again.</summary>
    /// <exception cref="OncewardException">A topic does not exist.</exception>
    public async Task<Dictionary<string, TopicDescription>> TopicsAsync(IEnumerable<string> names, CancellationToken cancellationToken)
    {
        List<TopicDescription> descriptions;
        try
        {
            var answer = await Admin.DescribeTopicsAsync(TopicCollection.OfTopicNames(names), new DescribeTopicsOptions { RequestTimeout = s_timeout })
                .WaitAsync(cancellationToken).ConfigureAwait(false);
            descriptions = answer.TopicDescriptions;
        }
        catch (DescribeTopicsException e)
        {
            descriptions = e.Results.TopicDescriptions;
        }
        var missing = descriptions.Where(d => d.Error.IsError).Select(d => $"{d.Name} ({d.Error.Reason})").ToArray();
        if (missing.Length > 0)
            throw new OncewardException(
                ErrorCodes.Topic, $"Cannot read {string.Join(", ", missing)}. Create the topic, or allow this client to describe it.", isTransient: true);
        return descriptions.ToDictionary(d => d.Name);
    }

    public void Dispose()
    {
        if (_admin.IsValueCreated)
            _admin.Value.Dispose();
    }

    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(5);
}
