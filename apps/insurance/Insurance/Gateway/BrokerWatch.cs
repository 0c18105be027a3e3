using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Insurance.Contracts;

namespace Insurance.Gateway;

/// <summary>Looks at the topic again and again: reachable means that all its partitions have a leader.</summary>
/// <remarks>Over the producer's own connections, so it sees what the producer sees. One metadata request per look.</remarks>
internal sealed partial class BrokerWatch(EventPublisher publisher, BrokerState state, TimeProvider time, ILogger<BrokerWatch> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(3);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var admin = new DependentAdminClientBuilder(publisher.Producer.Handle).Build();
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            do
            {
                var reason = await LookAsync(admin).WaitAsync(stoppingToken);
                if (state.Set(reason is null))
                    LogChanged(reason is null ? "can be published to" : $"cannot be published to: {reason}");
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // Load balancers are to go elsewhere before the listener closes.
            state.Set(false);
        }
    }

    /// <summary>Null where all is well, else what is not.</summary>
    private static async Task<string?> LookAsync(IAdminClient admin)
    {
        try
        {
            // Unlike a plain metadata request of a producer, this one never creates the topic.
            var result = await admin.DescribeTopicsAsync(
                TopicCollection.OfTopicNames([Topology.AutoEvents.Name]), new DescribeTopicsOptions { RequestTimeout = RequestTimeout });
            var leaderless = result.TopicDescriptions[0].Partitions.Count(partition => partition.Leader is null || partition.Leader.Id < 0);
            return leaderless == 0 ? null : $"{leaderless} partitions have no leader";
        }
        catch (DescribeTopicsException exception)
        {
            return exception.Results.TopicDescriptions[0].Error.Reason;
        }
        catch (KafkaException exception)
        {
            return exception.Error.Reason;
        }
    }

    [LoggerMessage(EventId = 7110, Level = LogLevel.Information, Message = "The topic of events {State}")]
    private partial void LogChanged(string state);
}
