using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using Onceward.Faults.Checking;

namespace Onceward.Faults.Load;

/// <summary>An idempotent producer that journals what is acknowledged: many keys, each with a dense sequence, in bursts.</summary>
/// <remarks>
/// <b>Order:</b> a key lives in one partition, and its records are produced in order; the client keeps that order over its retries. A record that the
/// client gives up on may or may not be in the log: the topic says.
/// </remarks>
internal sealed class Producing(RunOptions options, string topic, Journal journal) : IDisposable
{
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(20);
    private static readonly byte[] s_noMessage = "\0 this is no message"u8.ToArray();

    private readonly Random _random = new(options.Seed ^ 0x5eed);
    private readonly long[] _next = new long[RunOptions.Keys];
    private readonly ConcurrentQueue<Order> _orders = new();
    private IProducer<string, byte[]> _producer = Build(options);
    private int _replaced;
    private int _partitions = RunOptions.Partitions;
    private int _grownTo;

    /// <summary>How often the client had to be replaced by a new one.</summary>
    public int Replaced => _replaced;

    /// <summary>The keys that <see cref="Producing"/> uses, for the table of accounts.</summary>
    public static IEnumerable<string> Keys => Enumerable.Range(0, RunOptions.Keys).Select(KeyOf);

    public static string KeyOf(int key) => $"k{key:000}";

    /// <summary>Makes the next record one whose handler throws: for <paramref name="time"/>, or for ever.</summary>
    public void OrderPoison(TimeSpan? time) => _orders.Enqueue(new Order(time ?? TimeSpan.MaxValue, false));

    /// <summary>Makes the next record one that nobody can decode.</summary>
    public void OrderUndecodable() => _orders.Enqueue(new Order(TimeSpan.Zero, true));

    /// <summary>Produces <paramref name="count"/> records as fast as the broker takes them.</summary>
    public async Task FillAsync(int count, CancellationToken cancellationToken)
    {
        for (var i = 0; i < count; i++)
            await ProduceAsync(cancellationToken);
        await FlushAsync(cancellationToken);
    }

    /// <summary>Produces until told to stop: two seconds at twice the rate, then a pause as long, and so on.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        var started = TimeProvider.System.GetTimestamp();
        var sent = 0L;
        using var timer = new PeriodicTimer(s_tick);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping))
                for (var due = Due(TimeProvider.System.GetElapsedTime(started)); sent < due; sent++)
                    await ProduceAsync(stopping);
        }
        catch (OperationCanceledException)
        {
            // The load is over.
        }
    }

    /// <summary>Spreads the keys of later records over more partitions, by a producer that knows them.</summary>
    public void GrowTo(int partitions) => Volatile.Write(ref _grownTo, partitions);

    private long Due(TimeSpan elapsed)
    {
        var (cycles, rest) = ((long)(elapsed.TotalSeconds / 4), elapsed.TotalSeconds % 4);
        return (long)((cycles * 4 * options.Rate) + (Math.Min(rest, 2) * 2 * options.Rate));
    }

    /// <summary>Waits until everything is acknowledged or given up on.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        for (var i = 0; i < 120 && _producer.Flush(TimeSpan.FromMilliseconds(500)) > 0; i++)
            await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
    }

    public void Dispose() => _producer.Dispose();

    private async Task ProduceAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _grownTo) is var grown && grown > _partitions)
        {
            await FlushAsync(cancellationToken);
            _producer.Dispose();
            (_producer, _partitions) = (Build(options), grown);
        }
        var number = _random.Next(RunOptions.Keys);
        var (key, partition) = (KeyOf(number), number % _partitions);
        var order = _orders.TryDequeue(out var ordered) ? ordered : default;
        // What cannot be decoded has no place in the sequence of its key.
        var seq = order.IsUndecodable ? -1 : _next[number]++;
        var failsUntil = order.Fails == TimeSpan.Zero ? 0
            : order.Fails == TimeSpan.MaxValue ? long.MaxValue : (TimeProvider.System.GetUtcNow() + order.Fails).ToUnixTimeMilliseconds();
        var value = order.IsUndecodable ? s_noMessage : JsonSerializer.SerializeToUtf8Bytes(new Entry(key, seq, 1 + _random.Next(9), failsUntil), JsonSerializerOptions.Web);
        journal.Send();
        await ProduceAsync(new TopicPartition(topic, partition), key, seq, value, cancellationToken);
    }

    private async Task ProduceAsync(TopicPartition partition, string key, long seq, byte[] value, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                _producer.Produce(partition, new Message<string, byte[]> { Key = key, Value = value }, report =>
                {
                    if (report.Error.IsError)
                        journal.Doubt();
                    else
                        journal.Acknowledge(new AckedRecord(report.Partition.Value, report.Offset.Value, key, seq));
                });
                return;
            }
            catch (ProduceException<string, byte[]> e) when (e.Error.Code is ErrorCode.Local_QueueFull)
            {
                await Task.Delay(s_tick, cancellationToken);
            }
            catch (KafkaException e) when (e.Error.IsFatal)
            {
                // What the old client had is in doubt, and said so by its reports; the new one goes on behind it.
                _producer.Dispose();
                (_producer, _replaced) = (Build(options), _replaced + 1);
            }
        }
    }

    private static IProducer<string, byte[]> Build(RunOptions options) => new ProducerBuilder<string, byte[]>(new ProducerConfig
    {
        BootstrapServers = options.Kafka,
        ClientId = "load",
        Acks = Acks.All,
        EnableIdempotence = true,
        LingerMs = 10,
        // Longer than any fault: a record that the client gives up on is one less in the run.
        MessageTimeoutMs = 300_000,
        QueueBufferingMaxMessages = 200_000,
    }).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).SetKeySerializer(new Utf8()).Build();

    private readonly record struct Order(TimeSpan Fails, bool IsUndecodable);

    private sealed class Utf8 : ISerializer<string>
    {
        public byte[] Serialize(string data, SerializationContext context) => Encoding.UTF8.GetBytes(data);
    }
}
