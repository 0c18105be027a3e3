namespace Onceward.Broker;

/// <summary>A Kafka broker in this process.</summary>
public sealed class EmbeddedBroker
{
}
