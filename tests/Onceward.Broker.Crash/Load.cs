using Confluent.Kafka;

namespace Onceward.Broker.Crash;

/// <summary>One client that works in steps, on a thread of its own, while the gate is open.</summary>
internal abstract class Load(History history, Gate gate, int seed) : IDisposable
{
    private const int LongestPause = 30; // ms

    private readonly CancellationTokenSource stopping = new();
    private Thread? thread;

    protected History History => history;

    protected Random Random { get; } = new(seed);

    protected CancellationToken Stopping => stopping.Token;

    public void Start()
    {
        thread = new Thread(Run) { IsBackground = true, Name = GetType().Name };
        thread.Start();
    }

    /// <summary>Waits for what is under way without a step: acknowledgements.</summary>
    public virtual void Settle()
    {
    }

    public void Dispose()
    {
        stopping.Cancel();
        if (thread?.Join(TimeSpan.FromSeconds(20)) ?? true) // Else a call waits for a broker that a failed run has left dead; it ends with the process.
            Close();
    }

    /// <summary>What a client says about itself goes nowhere; what matters comes as an exception or in a report.</summary>
    protected static T Common<T>(T config, int port)
        where T : ClientConfig
    {
        config.BootstrapServers = $"127.0.0.1:{port}";
        config.ReconnectBackoffMs = 20;
        config.ReconnectBackoffMaxMs = 200;
        return config;
    }

    protected abstract void Step();

    protected abstract void Close();

    /// <summary>The pace: enough to have work under way at any moment, and little enough that all of it can be read again after each kill.</summary>
    private void Run()
    {
        try
        {
            while (!stopping.IsCancellationRequested)
            {
                gate.Enter(stopping.Token);
                try
                {
                    Step();
                }
                finally
                {
                    gate.Leave();
                }
                stopping.Token.WaitHandle.WaitOne(Random.Next(LongestPause));
            }
        }
        catch (OperationCanceledException)
        {
            // It is over.
        }
        catch (Exception e) // A thread's boundary: the run fails by it.
        {
            history.Fail($"{GetType().Name}: {e}");
        }
    }
}

/// <summary>Records in streams, one a partition, numbered; each is tried until it is acknowledged.</summary>
internal sealed class StreamLoad : Load
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly IProducer<Null, byte[]> producer;
    private readonly string topic;

    /// <param name="port">The broker's.</param>
    /// <param name="topic">Idempotent where it is the topic of that name.</param>
    /// <param name="history">Takes down what is sent and acknowledged.</param>
    /// <param name="gate">Lets it work.</param>
    /// <param name="seed">Of sizes and pauses.</param>
    public StreamLoad(int port, string topic, History history, Gate gate, int seed)
        : base(history, gate, seed)
    {
        this.topic = topic;
        var idempotent = topic == Names.Idempotent;
        producer = new ProducerBuilder<Null, byte[]>(Common(new ProducerConfig
        {
            Acks = Acks.All, EnableIdempotence = idempotent, LingerMs = 2, MessageTimeoutMs = 300_000, RequestTimeoutMs = 10_000, RetryBackoffMs = 20,
            MaxInFlight = idempotent ? 5 : 1, // Without idempotence only one keeps the order over retries.
            BatchNumMessages = 10,
        }, port)).SetLogHandler((_, _) => { }).SetErrorHandler((_, error) => Report(error)).Build();
    }

    public override void Settle()
    {
        if (producer.Flush(Patience) is > 0 and var left)
            History.Fail($"{left} records of {topic} were not acknowledged within {Patience}");
    }

    protected override void Step()
    {
        for (var left = Random.Next(1, 40); left > 0; left--)
        {
            var partition = new TopicPartition(topic, Random.Next(Names.Partitions));
            var number = History.Send(partition);
            producer.Produce(partition, new Message<Null, byte[]> { Value = Names.Value(0, number, Random) }, report => Take(report, number));
        }
    }

    protected override void Close() => producer.Dispose();

    private void Take(DeliveryReport<Null, byte[]> report, long number)
    {
        if (report.Error.IsError)
            History.Fail($"record {number} of {report.TopicPartition}: {report.Error}");
        else
            History.Acknowledge(report.TopicPartition, number, report.Offset.Value);
    }

    private void Report(Error error)
    {
        if (error.IsFatal)
            History.Fail($"the producer of {topic}: {error}");
    }
}

/// <summary>A group's offset, committed without a member and without a transaction, one higher each time.</summary>
internal sealed class OffsetLoad : Load
{
    private readonly IConsumer<Ignore, Ignore> consumer;
    private long next;

    public OffsetLoad(int port, History history, Gate gate, int seed)
        : base(history, gate, seed)
    {
        consumer = new ConsumerBuilder<Ignore, Ignore>(Common(new ConsumerConfig { GroupId = Names.PlainGroup, EnableAutoCommit = false, SocketTimeoutMs = 10_000 }, port))
            .SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
    }

    protected override void Step()
    {
        History.TryOffset(++next);
        try
        {
            consumer.Commit([new TopicPartitionOffset(Names.Plain, 0, next)]);
            History.TellOffset(next);
        }
        catch (KafkaException)
        {
            // Not answered: it may be kept or not.
        }
    }

    protected override void Close() => consumer.Dispose();
}
