using System.Text.Json;
using Confluent.Kafka;
using Onceward.Faults.Checking;

namespace Onceward.Faults.Load;

/// <summary>Kafka transactions on the input topic: one that is aborted, whose records nobody may see, and one that is committed.</summary>
/// <remarks>They share a transactional id, so that one that a broker's death left open is aborted by the next.</remarks>
internal sealed class AbortedTransactions(RunOptions options, string topic, Journal journal) : IDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(20);

    private readonly SemaphoreSlim _one = new(1);
    private readonly long[] _next = new long[RunOptions.Partitions];
    private long _aborted;

    /// <summary>The keys of committed transactions, for the table of accounts.</summary>
    public static IEnumerable<string> Keys => Enumerable.Range(0, RunOptions.Partitions).Select(KeyOf);

    public void Dispose() => _one.Dispose();

    /// <summary>Leaves no transaction open behind.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            for (var attempt = 0; attempt < 5; attempt++)
                if (await TryAsync(_ => Task.CompletedTask, cancellationToken))
                    return;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>One of each. Returns how many records were written and aborted.</summary>
    public async Task<int> RunAsync(TimeSpan open, CancellationToken cancellationToken)
    {
        var aborted = 0;
        await _one.WaitAsync(cancellationToken);
        try
        {
            await TryAsync(
                async producer =>
                {
                    producer.BeginTransaction();
                    for (var partition = 0; partition < RunOptions.Partitions; partition++)
                    {
                        var entry = new Entry($"{Checker.AbortedPrefix}{_aborted++}", 0, 1_000_000);
                        Produce(producer, partition, entry, _ => Interlocked.Increment(ref aborted));
                    }
                    // Flushed, or the records might be dropped before they are sent.
                    producer.Flush(cancellationToken);
                    await Task.Delay(open, cancellationToken);
                    producer.AbortTransaction(s_timeout);
                    Commit(producer, cancellationToken);
                },
                cancellationToken);
        }
        finally
        {
            _one.Release();
        }
        return aborted;
    }

    private void Commit(IProducer<string, byte[]> producer, CancellationToken cancellationToken)
    {
        var acked = new List<AckedRecord>();
        producer.BeginTransaction();
        for (var partition = 0; partition < RunOptions.Partitions; partition++)
        {
            var (key, seq) = (KeyOf(partition), _next[partition]++);
            Produce(producer, partition, new Entry(key, seq, 1), offset =>
            {
                lock (acked)
                    acked.Add(new AckedRecord(offset.Partition.Value, offset.Offset.Value, key, seq));
            });
        }
        producer.Flush(cancellationToken);
        producer.CommitTransaction(s_timeout);
        // Without an answer the topic says whether it was committed.
        foreach (var record in acked)
            journal.Acknowledge(record);
    }

    private async Task<bool> TryAsync(Func<IProducer<string, byte[]>, Task> work, CancellationToken cancellationToken)
    {
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig
        {
            BootstrapServers = options.Kafka, ClientId = "load", TransactionalId = "faults-load", TransactionTimeoutMs = 20_000, MessageTimeoutMs = 15_000,
        }).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        try
        {
            producer.InitTransactions(s_timeout);
            await work(producer);
            cancellationToken.ThrowIfCancellationRequested();
            return true;
        }
        catch (KafkaException)
        {
            // A fault hit the transaction; what it left open, the next one aborts.
            return false;
        }
    }

    private void Produce(IProducer<string, byte[]> producer, int partition, Entry entry, Action<TopicPartitionOffset> acknowledged)
    {
        journal.Send();
        producer.Produce(
            new TopicPartition(topic, partition),
            new Message<string, byte[]> { Key = entry.Key, Value = JsonSerializer.SerializeToUtf8Bytes(entry, JsonSerializerOptions.Web) },
            report =>
            {
                if (!report.Error.IsError)
                    acknowledged(report.TopicPartitionOffset);
            });
    }

    private static string KeyOf(int partition) => $"tx-{partition}";
}
