namespace Onceward.Broker.Protocol;

/// <summary>Bytes that are no request: the connection they came on is closed, as Kafka closes it.</summary>
internal sealed class MalformedRequestException(string message) : Exception(message);
