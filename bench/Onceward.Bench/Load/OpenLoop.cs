using System.Diagnostics;
using Confluent.Kafka;

namespace Onceward.Bench.Load;

/// <summary>Sends records at times that do not depend on how the system under test gets on.</summary>
/// <remarks>
/// A record's time is when it was meant to be sent. A producer that waits, for its own queue or a slow broker, does not shift the times of the records
/// behind, so that waiting is measured and not left out ("coordinated omission").
/// </remarks>
internal sealed class OpenLoop(BenchTopic topic) : IDisposable
{
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(1);

    private readonly IProducer<byte[], byte[]> _producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig
    {
        BootstrapServers = topic.Servers, Acks = Acks.All, EnableIdempotence = true, LingerMs = 1, QueueBufferingMaxMessages = 1_000_000, EnableDeliveryReports = false,
    }).Build();

    private long _number;

    /// <summary>By partition.</summary>
    public IReadOnlyList<SendTimes> Times { get; } = [.. Enumerable.Range(0, topic.Partitions).Select(_ => new SendTimes())];

    public long Sent => Volatile.Read(ref _number);

    /// <summary>Sends at this rate for so long, or until told to stop.</summary>
    /// <returns>How late the last record was handed to the client: more than some milliseconds means that the rate was too much for the producer.</returns>
    public Task<TimeSpan> RunAsync(double rate, TimeSpan length, CancellationToken stopping = default) => Task.Factory.StartNew(
        () => Run(rate, (long)(rate * length.TotalSeconds), stopping), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private TimeSpan Run(double rate, long count, CancellationToken stopping)
    {
        var start = Stopwatch.GetTimestamp();
        for (var sent = 0L; sent < count && !stopping.IsCancellationRequested;)
        {
            var due = Math.Min(count, (long)(Stopwatch.GetElapsedTime(start).TotalSeconds * rate));
            for (; sent < due; sent++)
                Send(start + (long)(sent / rate * Stopwatch.Frequency));
            Thread.Sleep(s_tick);
        }
        return Stopwatch.GetElapsedTime(start) - TimeSpan.FromSeconds(count / rate);
    }

    private void Send(long timestamp)
    {
        var partition = (int)(_number % topic.Partitions);
        // Before the record is on its way: whoever sees it applied finds its time.
        Times[partition].Add(timestamp);
        var message = new Message<byte[], byte[]> { Key = BenchTopic.KeyOf(_number), Value = Event.Encode(_number, topic.ValueBytes) };
        Volatile.Write(ref _number, _number + 1);
        BenchTopic.Produce(_producer, new TopicPartition(topic.Name, partition), message);
    }

    public void Dispose() => _producer.Dispose();
}
