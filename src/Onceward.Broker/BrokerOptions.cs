using System.Net;

namespace Onceward.Broker;

/// <summary>When appended records are forced to disk.</summary>
public enum FlushPolicy
{
    /// <summary>The operating system decides, as Kafka does by default: survives the death of the process, not of the machine.</summary>
    None,

    /// <summary>Every <see cref="BrokerOptions.FlushInterval"/>; acknowledgements do not wait for it.</summary>
    Interval,

    /// <summary>Before a produce is acknowledged; concurrent ones share a flush.</summary>
    EveryRequest,
}

/// <summary>Settings of an <see cref="EmbeddedBroker"/>. Everything has a default: in memory, on a free port of the loopback address.</summary>
public sealed class BrokerOptions
{
    /// <summary>Where records are kept; null: in memory, bounded by <see cref="MemoryLimit"/>.</summary>
    public string? DataDirectory { get; set; }

    /// <summary>The address to listen on and to advertise. Not "localhost": clients try ::1 first.</summary>
    public IPAddress Address { get; set; } = IPAddress.Loopback;

    /// <summary>0: a free one.</summary>
    public int Port { get; set; }

    /// <summary>The port that clients are told; 0: the one listened on. Another one stands where a proxy or a container maps ports.</summary>
    public int AdvertisedPort { get; set; }

    /// <summary>The node's number in metadata.</summary>
    public int NodeId { get; set; } = 1;

    /// <summary>Whether a topic that a client asks for and that is not there is created. Kafka's default is true; production clusters turn it off.</summary>
    public bool AutoCreateTopics { get; set; }

    /// <summary>Partitions of topics that do not say how many.</summary>
    public int DefaultPartitions { get; set; } = 1;

    /// <summary>Lets this one node stand in for any replication factor; else more than 1 is refused, as Kafka refuses it.</summary>
    public bool LenientReplication { get; set; }

    /// <summary>When records are forced to disk.</summary>
    public FlushPolicy Flush { get; set; } = FlushPolicy.None;

    /// <summary>For <see cref="FlushPolicy.Interval"/>.</summary>
    public TimeSpan FlushInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>In memory mode: records beyond it are refused with KAFKA_STORAGE_ERROR, none is dropped. 1 GiB: room for a day's tests on a small machine.</summary>
    public long MemoryLimit { get; set; } = 1L << 30;

    /// <summary>Largest request. Kafka's socket.request.max.bytes.</summary>
    public int MaxRequestBytes { get; set; } = 100 * 1024 * 1024;

    /// <summary>
    /// How long the first member of an empty group waits for others; 0: not at all. Kafka's group.initial.rebalance.delay.ms, there 3 s. A tenth of a second
    /// is enough for consumers that start together to share the first generation, and nobody who waits for a group notices it.
    /// </summary>
    public TimeSpan InitialRebalanceDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Shortest session time-out a group's member may ask for. Kafka's group.min.session.timeout.ms.</summary>
    public TimeSpan MinSessionTimeout { get; set; } = TimeSpan.FromSeconds(6);

    /// <summary>Longest session time-out a group's member may ask for. Kafka's group.max.session.timeout.ms.</summary>
    public TimeSpan MaxSessionTimeout { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>How long offsets are kept when their group has no members any more. Kafka's offsets.retention.minutes.</summary>
    public TimeSpan OffsetsRetention { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Longest transaction time-out a producer may ask for. Kafka's transaction.max.timeout.ms.</summary>
    public TimeSpan MaxTransactionTimeout { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a transactional id that nobody uses is remembered. Kafka's transactional.id.expiration.ms.</summary>
    public TimeSpan TransactionalIdExpiration { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How often segments are looked at for retention, and groups, producers and transactional ids for expiry. Kafka's log.retention.check.interval.ms.</summary>
    public TimeSpan HousekeepingInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>The clock: sessions, transactions, retention and waits all follow it.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal BrokerOptions Copy() => (BrokerOptions)MemberwiseClone();
}
