namespace Onceward.Broker.Faults;

/// <summary>An ordered fault resets the connection.</summary>
internal sealed class ConnectionCutException() : Exception("an ordered fault resets the connection");
