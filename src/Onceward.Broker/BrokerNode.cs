using Microsoft.Extensions.Logging;
using Onceward.Broker.Groups;
using Onceward.Broker.Topics;
using Onceward.Broker.Transactions;

namespace Onceward.Broker;

/// <summary>The parts of one running broker, put together once; handlers take from it what they need.</summary>
internal sealed class BrokerNode
{
    public required BrokerOptions Options { get; init; }

    public required ILoggerFactory LoggerFactory { get; init; }

    /// <summary>Kept across restarts of the same data directory.</summary>
    public required string ClusterId { get; init; }

    /// <summary>Where clients reach it; known once it listens.</summary>
    public required Uri Endpoint { get; init; }

    public required TopicRegistry Topics { get; init; }

    public required ConfigResources Configs { get; init; }

    public required GroupCoordinator Groups { get; init; }

    public required TransactionCoordinator Transactions { get; init; }
}
