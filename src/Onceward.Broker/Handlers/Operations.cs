namespace Onceward.Broker.Handlers;

/// <summary>What a client may do, a bit an operation: everything, where nobody holds anyone to rules.</summary>
/// <remarks>Bits are the numbers of Kafka's AclOperation.</remarks>
internal static class Operations
{
    /// <summary>Nobody asked.</summary>
    public const int NotAsked = int.MinValue;

    /// <summary>Read, write, create, delete, alter, describe, describe and alter settings.</summary>
    public const int Topic = (1 << 3) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 7) | (1 << 8) | (1 << 10) | (1 << 11);

    /// <summary>Create, alter, describe, cluster action, describe and alter settings, idempotent write.</summary>
    public const int Cluster = (1 << 5) | (1 << 7) | (1 << 8) | (1 << 9) | (1 << 10) | (1 << 11) | (1 << 12);
}
