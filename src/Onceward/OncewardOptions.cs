namespace Onceward;

/// <summary>What all workers and the relay of a process share.</summary>
public sealed class OncewardOptions
{
    /// <summary>Where to find the cluster, <c>host:port[,host:port]</c>. Default: <c>KAFKA_BOOTSTRAP_SERVERS</c>.</summary>
    public string BootstrapServers { get; set; } = "";

    /// <summary>
    /// The name under which this application's outbox is relayed: topic <c>&lt;application&gt;.relay</c>, transactional ids
    /// <c>&lt;application&gt;-relay-&lt;slot&gt;</c>. The same in every process of the application, never shared by two. Default: <c>onceward</c>.
    /// </summary>
    public string Application { get; set; } = "onceward";

    /// <summary>The prefix of every worker's group, <c>&lt;prefix&gt;.&lt;worker&gt;</c>. Default: <c>KAFKA_CONSUMER_GROUP_ID</c>, else <see cref="Application"/>.</summary>
    public string GroupIdPrefix { get; set; } = "";

    /// <summary>Further settings of every Kafka client, by librdkafka's names. Security comes here from <c>KAFKA_SECURITY_PROTOCOL</c> and its like.</summary>
    public IDictionary<string, string> Client { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Largest published message, key and headers included, in bytes. Default: 900 KiB, below Kafka's <c>message.max.bytes</c> of 1 MiB with room for framing.</summary>
    public int MaxMessageBytes { get; set; } = 900 * 1024;

    /// <summary>Whether to install and migrate the schema <c>onceward</c> on start. Turn off where the role may not create tables. Default: on.</summary>
    public bool InstallSchema { get; set; } = true;

    /// <summary>How the outbox reaches Kafka.</summary>
    public RelayOptions Relay { get; } = new();

    internal string GroupId(string worker) => $"{(GroupIdPrefix.Length > 0 ? GroupIdPrefix : Application)}.{worker}";
}

/// <summary>How the outbox reaches Kafka.</summary>
public sealed class RelayOptions
{
    /// <summary>Whether this process offers to run relay slots. Default: on; several processes share the slots by taking what is free.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// Over how many slots the channels are spread: the partitions of the relay topic, fixed when it is created. More slots run more Kafka
    /// transactions side by side and cost a producer each. Default: 8.
    /// </summary>
    public int Slots { get; set; } = 8;

    /// <summary>
    /// A connection string to take the locks with that say who runs a slot. They are a session's, so it must lead to the same database directly, or
    /// through a pooler that keeps sessions together; one connection is used. Default: the container's data source, which is refused where it leads
    /// through a pooler.
    /// </summary>
    public string LockConnection { get; set; } = "";

    /// <summary>Most rows in one Kafka transaction. Default: 1,000, some tens of milliseconds of work, for which readers of committed data wait.</summary>
    public int MaxRows { get; set; } = 1000;

    /// <summary>How long a slot rests when its channels had nothing. Default: 20 ms; commits in the same process wake it at once.</summary>
    public TimeSpan IdleDelay { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>How long the broker waits before it aborts an abandoned transaction; a successor need not wait for it. Default: 15 s.</summary>
    public TimeSpan TransactionTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>After how many transactions the positions of all channels are written together and older ones deleted. Default: 2,000.</summary>
    public int SnapshotEvery { get; set; } = 2000;
}
