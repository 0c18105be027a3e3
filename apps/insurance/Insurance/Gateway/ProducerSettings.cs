using Confluent.Kafka;

namespace Insurance.Gateway;

/// <summary>How the gateway produces.</summary>
internal static class ProducerSettings
{
    public static ProducerConfig For(ClientConfig client) => new(new Dictionary<string, string>(client))
    {
        ClientId = "insurance-gateway",
        EnableIdempotence = true,
        Acks = Acks.All,
        // The partitioner of the Java client: one key, one partition, whoever produces.
        Partitioner = Partitioner.Murmur2Random,
        // Long enough to batch a burst, short beside the 20 ms that a caller may wait at the 95th percentile.
        LingerMs = 5,
        // A leader is replaced within seconds. A caller learns after this at the latest that its event may be lost.
        MessageTimeoutMs = 30_000,
        // A broker that is back is found within a second, not within the ten that are the default.
        ReconnectBackoffMaxMs = 1_000,
        // 128 full-size events, or 100,000 usual ones: two minutes of the load the gateway is built for would be a queue nobody waits for.
        QueueBufferingMaxMessages = 100_000,
        QueueBufferingMaxKbytes = 64 * 1024,
        // A report says where a record went; the record itself is not copied back.
        DeliveryReportFields = "status",
    };
}
