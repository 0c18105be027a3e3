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
    public static PositionLogEnd Read(OncewardOptions options, TopicPartition partition, TimeProvider time, CancellationToken cancellationToken)
    {
        using var consumer = Reader(options);
        consumer.Assign(new TopicPartitionOffset(partition, Offset.Beginning));
        var positions = new Dictionary<int, ChannelPosition>();
        var (before, endedAt, next) = (new Dictionary<int, long?>(), default(DateTimeOffset), Offset.Unset);
        var started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < s_timeout)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var result = consumer.Consume(TimeSpan.FromMilliseconds(200));
            if (result is null)
                continue;
            if (result.IsPartitionEOF)
                return new PositionLogEnd(positions, before, endedAt);
            // Between two transactions lies a marker, so that offsets that follow each other are of one.
            if (result.Offset != next)
                (before, endedAt) = ([], new DateTimeOffset(result.Message.Timestamp.UtcDateTime));
            next = result.Offset + 1;
            var position = ChannelPosition.Decode(result.Message.Value);
            before.TryAdd(position.Channel, positions.GetValueOrDefault(position.Channel)?.NextSeq);
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

/// <summary>What a slot's partition of the relay topic says.</summary>
/// <param name="Positions">The last of each channel.</param>
/// <param name="Before">Of each channel that the last transaction advanced: the position before that, where the log still has it.</param>
/// <param name="EndedAt">When the last transaction wrote its first position.</param>
internal sealed record PositionLogEnd(Dictionary<int, ChannelPosition> Positions, IReadOnlyDictionary<int, long?> Before, DateTimeOffset EndedAt);
