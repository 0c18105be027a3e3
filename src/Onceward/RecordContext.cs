using Confluent.Kafka;
using Npgsql;
using Onceward.Handling;

namespace Onceward;

/// <summary>What a handler of one record may use: the open transaction, the outbox, its place in the log.</summary>
/// <remarks>Valid until the handler returns. Not safe for concurrent use: a PostgreSQL connection runs one statement at a time.</remarks>
public sealed class RecordContext
{
    private readonly BatchScope _scope;

    internal RecordContext(BatchScope scope, ConsumeResult<byte[], byte[]> record)
    {
        _scope = scope;
        Record = record;
    }

    /// <summary>The record as the client delivered it.</summary>
    public ConsumeResult<byte[], byte[]> Record { get; }

    /// <summary>The connection on which the transaction is open. Do not commit, roll back or close it.</summary>
    public NpgsqlConnection Connection => _scope.Lend().Connection;

    /// <summary>The transaction that will also hold the offset.</summary>
    public NpgsqlTransaction Transaction => _scope.Lend().Transaction;

    /// <summary>The same text at every attempt to apply this record, for services that accept an idempotency key.</summary>
    public string IdempotencyKey => _scope.IdempotencyKey(Record);

    /// <summary>Queues a write to be sent with the last round trip of the transaction; its result is not seen.</summary>
    public void Stage(NpgsqlBatchCommand command) => _scope.Stage(command);

    /// <summary>Writes a message to the outbox: the relay publishes it exactly once, after the commit, in the order of this partition.</summary>
    /// <param name="topic">A topic of the same cluster.</param>
    /// <param name="key">The partition key, as UTF-8; <see langword="null"/> spreads.</param>
    /// <param name="message">Encoded by the serializer of <typeparamref name="T"/>.</param>
    /// <param name="eventId">The header <c>event_id</c>; by default one made from channel and sequence number.</param>
    /// <exception cref="OncewardException">The message is over <see cref="OncewardOptions.MaxMessageBytes"/> or the topic name is not legal.</exception>
    public void Publish<T>(string topic, string? key, T message, string? eventId = null) => _scope.Publish(Record, topic, key, message, eventId);
}
