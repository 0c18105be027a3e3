using System.Globalization;
using System.Text;
using Confluent.Kafka;

namespace Onceward.Outbox;

/// <summary>The transactional producer of one slot: rows and their channels' positions, in one Kafka transaction.</summary>
/// <remarks>
/// <para><b>Fencing:</b> the constructor's <c>InitTransactions</c> aborts what a former owner of the slot left open and shuts it out for good.</para>
/// <para><b>Doubt:</b> after any exception, and after any transport error inside a transaction even if it then commits, this producer must be
/// thrown away: an EndTxn that is still under way could end the next transaction of the same epoch. Model: <c>Lose</c>, <c>Start</c>.</para>
/// </remarks>
internal sealed class RelayProducer : IDisposable
{
    private static readonly TimeSpan s_initTimeout = TimeSpan.FromSeconds(30);

    private readonly IProducer<byte[], byte[]> _producer;
    private readonly TopicPartition _positions;
    private readonly TimeSpan _timeout;
    private volatile Error? _delivery;
    private volatile bool _doubtful;
    private volatile bool _open;

    /// <param name="options">Where the cluster is.</param>
    /// <param name="owner">The slot.</param>
    /// <param name="positions">The slot's partition of the relay topic.</param>
    /// <param name="onLog">Receives what the client logs.</param>
    /// <exception cref="KafkaException">The coordinator cannot be reached.</exception>
    public RelayProducer(OncewardOptions options, RelayOwner owner, TopicPartition positions, Action<string> onLog)
    {
        _positions = positions;
        _timeout = options.Relay.TransactionTimeout;
        var timeout = (int)_timeout.TotalMilliseconds;
        var config = new ProducerConfig(new Dictionary<string, string>(options.Client))
        {
            BootstrapServers = options.BootstrapServers,
            TransactionalId = $"{owner.Application}-relay-{owner.Slot}",
            TransactionTimeoutMs = timeout,
            MessageTimeoutMs = timeout - 1000,
            EnableIdempotence = true,
            Acks = Acks.All,
            // Java's own, so that a key finds the same partition whoever produces it.
            Partitioner = Partitioner.Murmur2Random,
            LingerMs = 1,
            MessageMaxBytes = options.MaxMessageBytes + (64 * 1024),
        };
        _producer = new ProducerBuilder<byte[], byte[]>(config)
            .SetErrorHandler((_, error) =>
            {
                // Never "|=": between its read and its write another thread's doubt could be lost.
                if (_open)
                    _doubtful = true;
                onLog(error.Reason);
            })
            .SetLogHandler((_, message) =>
            {
                // Broken connections are reported here only: FAIL lines of a broker thread.
                if (_open && message.Facility is "FAIL" or "REQTMOUT")
                    _doubtful = true;
                onLog(message.Message);
            })
            .Build();
        try
        {
            _producer.InitTransactions(s_initTimeout);
        }
        catch
        {
            _producer.Dispose();
            throw;
        }
    }

    /// <summary>Whether something went wrong on the wire inside a transaction, so that this producer must not be used again.</summary>
    public bool IsDoubtful => _doubtful;

    /// <summary>Produces rows and positions and returns once the transaction is committed. Blocks.</summary>
    /// <param name="rows">In order; rows of one key go to one partition in this order.</param>
    /// <param name="positions">One for each channel that the rows advance, or of all channels for a snapshot.</param>
    /// <param name="beforeCommit">Runs when everything is handed to the client.</param>
    /// <returns>The offset of the first position record.</returns>
    /// <exception cref="KafkaException">Nothing is known to be committed.</exception>
    public async Task<Offset> PublishAsync(IReadOnlyList<OutboxRow> rows, IReadOnlyList<ChannelPosition> positions, Func<ValueTask> beforeCommit)
    {
        _delivery = null;
        _open = true;
        var first = Offset.Unset;
        _producer.BeginTransaction();
        foreach (var row in rows)
            _producer.Produce(row.Topic, Message(row), OnDelivery);
        foreach (var position in positions)
        {
            var key = Encoding.UTF8.GetBytes(position.Channel.ToString(CultureInfo.InvariantCulture));
            _producer.Produce(_positions, new Message<byte[], byte[]> { Key = key, Value = position.Encode() }, report =>
            {
                OnDelivery(report);
                if (first == Offset.Unset)
                    first = report.Offset;
            });
        }
        await beforeCommit().ConfigureAwait(false);
        // Commit waits for every delivery report; one that failed makes it fail.
        await Task.Run(() => _producer.CommitTransaction(_timeout)).ConfigureAwait(false);
        if (_delivery is { } error)
            throw new KafkaException(error);
        _open = false;
        return first;
    }

    public void Dispose() => _producer.Dispose();

    private void OnDelivery(DeliveryReport<byte[], byte[]> report)
    {
        if (report.Error.IsError)
            _delivery ??= report.Error;
    }

    /// <summary>A row as readers see it.</summary>
    internal static Message<byte[], byte[]> Message(OutboxRow row)
    {
        var headers = HeaderCodec.Decode(row.Headers);
        if (!headers.TryGetLastBytes(OncewardHeaders.EventId, out _))
            headers.Add(OncewardHeaders.EventId, Encoding.UTF8.GetBytes($"{row.Channel}-{row.Seq}"));
        headers.Add(OncewardHeaders.Channel, Encoding.UTF8.GetBytes(row.Channel.ToString(CultureInfo.InvariantCulture)));
        headers.Add(OncewardHeaders.Sequence, Encoding.UTF8.GetBytes(row.Seq.ToString(CultureInfo.InvariantCulture)));
        return new Message<byte[], byte[]> { Key = row.Key!, Value = row.Value!, Headers = headers };
    }
}
