using Npgsql;
using Onceward.Handling;

namespace Onceward;

/// <summary>What a set-based handler may use: the open transaction and the outbox.</summary>
/// <remarks>Valid until the handler returns. Not safe for concurrent use: a PostgreSQL connection runs one statement at a time.</remarks>
public sealed class BatchContext
{
    private readonly BatchScope _scope;

    internal BatchContext(BatchScope scope) => _scope = scope;

    /// <summary>The connection on which the transaction is open. Do not commit, roll back or close it.</summary>
    public NpgsqlConnection Connection => _scope.Lend().Connection;

    /// <summary>The transaction that will also hold the offsets.</summary>
    public NpgsqlTransaction Transaction => _scope.Lend().Transaction;

    /// <summary>The same text at every attempt to apply <paramref name="cause"/>, for services that accept an idempotency key.</summary>
    public string IdempotencyKey<TMessage>(in Received<TMessage> cause) => _scope.IdempotencyKey(cause.Source);

    /// <summary>Queues a write to be sent with the last round trip of the transaction; its result is not seen.</summary>
    public void Stage(NpgsqlBatchCommand command) => _scope.Stage(command);

    /// <summary>Writes a message to the outbox, in the order of the partition of <paramref name="cause"/>.</summary>
    /// <inheritdoc cref="RecordContext.Publish" path="/param|/exception"/>
    /// <param name="cause">The record that causes the message: its partition gives the message its place.</param>
    /// <param name="topic">A topic of the same cluster.</param>
    /// <param name="key">The partition key, as UTF-8; <see langword="null"/> spreads.</param>
    /// <param name="message">Encoded by the serializer of <typeparamref name="T"/>.</param>
    /// <param name="eventId">The header <c>event_id</c>; by default one made from channel and sequence number.</param>
    public void Publish<TMessage, T>(in Received<TMessage> cause, string topic, string? key, T message, string? eventId = null) =>
        _scope.Publish(cause.Source, topic, key, message, eventId);

    /// <summary>The context of one of the records, for handlers that apply them one by one. Its time limit begins anew with this call.</summary>
    public RecordContext For<TMessage>(in Received<TMessage> record)
    {
        _scope.Clock?.Start(record.Source);
        return new RecordContext(_scope, record.Source);
    }
}
