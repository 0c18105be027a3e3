namespace Onceward.Broker.Transactions;

/// <summary>All transactional ids of this broker, their producers and transactions.</summary>
/// <remarks>State is in records of the topic __transaction_state, in Kafka's own format; memory is a view of it. The decision to commit or
/// abort is durable before the first marker is written, and every start finishes what was decided.</remarks>
internal sealed class TransactionCoordinator
{
}
