using Confluent.Kafka;

namespace Onceward.Broker.Crash;

/// <summary>Transactions of records in all partitions, with an offset of a group; every fourth is aborted.</summary>
/// <remarks>A fatal error takes a new producer of the same id, as an application would; what it had open is aborted by that.</remarks>
internal sealed class TransactionLoad : Load
{
    private const int MostRecords = 30;
    private const double Aborted = 0.25;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly int port;
    private readonly int id;
    private readonly IConsumer<Ignore, Ignore> member; // Only for the name of its group.
    private IProducer<Null, byte[]>? producer;
    private long next;

    public TransactionLoad(int port, int id, History history, Gate gate, int seed)
        : base(history, gate, seed)
    {
        (this.port, this.id) = (port, id);
        member = new ConsumerBuilder<Ignore, Ignore>(Common(new ConsumerConfig { GroupId = Names.TransactionalGroup(id) }, port))
            .SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
    }

    /// <summary>How many producers a fatal error has cost.</summary>
    public int Renewed { get; private set; }

    protected override void Step()
    {
        producer ??= Again(Connect);
        var number = next++;
        var records = Enumerable.Range(0, Random.Next(1, MostRecords)).Select(_ => Random.Next(Names.Partitions)).ToList();
        var attempt = new Attempt(id, number, [.. Enumerable.Range(0, Names.Partitions).Select(partition => records.Count(of => of == partition))], Fate.Open);
        History.Note(attempt);
        try
        {
            Try(producer, attempt, records);
        }
        catch (KafkaTxnRequiresAbortException)
        {
            End(producer, attempt);
        }
        catch (KafkaException e) when (e.Error.IsFatal)
        {
            Renewed++;
            producer.Dispose();
            producer = null;
        }
    }

    protected override void Close()
    {
        producer?.Dispose();
        member.Dispose();
    }

    private void Try(IProducer<Null, byte[]> producer, Attempt attempt, List<int> records)
    {
        producer.BeginTransaction();
        foreach (var partition in records)
            producer.Produce(new TopicPartition(Names.Transactional, partition), new Message<Null, byte[]> { Value = Names.Value(id, attempt.Number, Random) });
        Again(() => producer.SendOffsetsToTransaction([new TopicPartitionOffset(Names.Transactional, 0, attempt.Number + 1)], member.ConsumerGroupMetadata, Patience));
        if (Random.NextDouble() < Aborted)
        {
            End(producer, attempt);
            return;
        }
        History.Note(attempt with { Fate = Fate.InDoubt });
        Again(() => producer.CommitTransaction(Patience));
        History.Note(attempt with { Fate = Fate.Committed });
    }

    private void End(IProducer<Null, byte[]> producer, Attempt attempt)
    {
        History.Note(attempt with { Fate = Fate.Aborted });
        Again(() => producer.AbortTransaction(Patience));
    }

    private IProducer<Null, byte[]> Connect()
    {
        var fresh = new ProducerBuilder<Null, byte[]>(Common(new ProducerConfig
        {
            TransactionalId = $"crash-{id}", TransactionTimeoutMs = 120_000, LingerMs = 2, RetryBackoffMs = 20, RequestTimeoutMs = 10_000, BatchNumMessages = 5,
        }, port)).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        try
        {
            Again(() => fresh.InitTransactions(Patience));
            return fresh;
        }
        catch
        {
            fresh.Dispose();
            throw;
        }
    }

    private void Again(Action call) => Again(() =>
    {
        call();
        return true;
    });

    /// <summary>As the client asks for: what can be tried again is, for the time of a restart many times over.</summary>
    private T Again<T>(Func<T> call)
    {
        for (var left = 12; ; left--)
        {
            try
            {
                return call();
            }
            catch (KafkaRetriableException) when (left > 0)
            {
                Stopping.ThrowIfCancellationRequested();
                // The broker is away, or was: the call goes on where it was.
            }
        }
    }
}
