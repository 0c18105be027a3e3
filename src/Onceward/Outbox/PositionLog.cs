using Confluent.Kafka;

namespace Onceward.Outbox;

/// <summary>Reads a slot's partition of the relay topic: the committed positions, the last of each channel.</summary>
/// <remarks>
/// Called after <c>InitTransactions</c>, when no transaction of a former owner is open any more: the end that a reader of committed data
/// sees is then the true end, and what it finds is the position. No consumer group is involved.
/// </remarks>
internal static class PositionLog
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    /// <exception cref="KafkaException">The end was not reached in time.</exception>
    public static Dictionary<int, ChannelPosition> Read(OncewardOptions options, TopicPartition partition, TimeProvider time, CancellationToken cancellationToken)
    {
        using var consumer = Reader(options);
        consumer.Assign(new TopicPartitionOffset(partition, Offset.Beginning));
        var positions = new Dictionary<int, ChannelPosition>();
        var started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < s_timeout)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var result = consumer.Consume(TimeSpan.FromMilliseconds(200));
            if (result is null)
                continue;
            if (result.IsPartitionEOF)
                return positions;
            var position = ChannelPosition.Decode(result.Message.Value);
            positions[position.Channel] = position;
        }
        throw new KafkaException(new Error(ErrorCode.Local_TimedOut, $"The end of {partition} was not reached in {s_timeout.TotalSeconds} s."));
    }

    /// <summary>A reader of committed data that belongs to no group and reports the ends of partitions.</summary>
    public static IConsumer<byte[], byte[]> Reader(OncewardOptions options)
    {
        var config = new ConsumerConfig(new Dictionary<string, string>(options.Client))
        {
            BootstrapServers = options.BootstrapServers,
            // Required by the client, never used: partitions are assigned by hand and nothing is committed.
            GroupId = $"{options.Application}.relay.positions",
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            IsolationLevel = IsolationLevel.ReadCommitted,
            EnablePartitionEof = true,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            CheckCrcs = true,
            FetchWaitMaxMs = 50,
        };
        return new ConsumerBuilder<byte[], byte[]>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
    }
}
