using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using NpgsqlTypes;

namespace Onceward.Handling;

/// <summary>One topic of a worker with its way from bytes to handler: decode, drop repetitions, call.</summary>
/// <remarks>Stateless but for the ledger's id, and so safe for all lanes at once.</remarks>
internal abstract class Subscription(SubscriptionSettings settings)
{
    public SubscriptionSettings Settings { get; } = settings;

    public string Topic => Settings.Topic;

    /// <summary>Whether the handler is called record by record, so that its time is kept for each.</summary>
    public virtual bool HandlesOneByOne => false;

    /// <summary>What applies the topic, for messages to the person who wrote it.</summary>
    public abstract Type Handler { get; }

    /// <summary>The id of the ledger's row. Set before the first claim, and again only when an operator lets the worker begin anew.</summary>
    public int Id { get; set; }

    /// <summary>The incarnation of the topic that the ledger's offsets are of.</summary>
    public string TopicId { get; set; } = "";

    /// <summary>
    /// Decodes <paramref name="records"/> and calls the handler in their order. Whatever it throws other than infrastructure's errors
    /// means: one of these records cannot be applied.
    /// </summary>
    public abstract ValueTask ApplyAsync(ReadOnlyMemory<Record> records, BatchScope scope, CancellationToken cancellationToken);
}

/// <summary>The part that knows the message type.</summary>
internal abstract class Subscription<TMessage>(
    SubscriptionSettings settings, IDeserializer<TMessage> deserializer, Func<TMessage, string?>? eventId) : Subscription(settings)
{
    /// <summary>Decodes the records and leaves out those whose event id was applied before.</summary>
    protected async ValueTask<List<Received<TMessage>>> ReceiveAsync(
        ReadOnlyMemory<Record> records, BatchScope scope, CancellationToken cancellationToken)
    {
        var received = new List<Received<TMessage>>(records.Length);
        foreach (var record in records.Span)
            received.Add(new Received<TMessage>(Decode(record), record));
        if (eventId is not null)
            await DropRepetitionsAsync(received, eventId, scope, cancellationToken).ConfigureAwait(false);
        return received;
    }

    private TMessage Decode(Record record)
    {
        var value = record.Message.Value;
        try
        {
            return deserializer.Deserialize(
                value, value is null, new SerializationContext(MessageComponentType.Value, record.Topic, record.Message.Headers));
        }
        // A decoder may throw anything; whatever it is, these bytes will not decode better next time.
        catch (Exception e) when (e is not OncewardException { IsTransient: true })
        {
            throw new UndecodableRecordException(record.TopicPartitionOffset, typeof(TMessage), e);
        }
    }

    /// <remarks>
    /// The ids go in with the effects, inside the same savepoint: a record that is rolled back is not remembered. Ids are sorted, so that two
    /// lanes that meet on the same ids wait for, and do not deadlock, each other.
    /// </remarks>
    private async ValueTask DropRepetitionsAsync(
        List<Received<TMessage>> received, Func<TMessage, string?> idOf, BatchScope scope, CancellationToken cancellationToken)
    {
        var ids = received.Select(r => idOf(r.Message)).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        if (ids.Length == 0)
            return;
        var batch = new NpgsqlBatch(scope.Connection, scope.Transaction);
        scope.Bounds.AddTo(batch);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(RememberEvents)
        {
            Parameters =
            {
                new NpgsqlParameter<int> { TypedValue = Id },
                new NpgsqlParameter<string[]> { TypedValue = ids, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
            },
        });
        var firstSeen = new HashSet<string>(ids.Length, StringComparer.Ordinal);
        await using (batch.ConfigureAwait(false))
        {
            var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                    firstSeen.Add(reader.GetString(0));
        }
        // Removing the id as it passes keeps the first of two in the same batch and drops the second.
        scope.Repetitions += received.RemoveAll(r => idOf(r.Message) is { } id && !firstSeen.Remove(id));
    }

    private const string RememberEvents = """
        INSERT INTO onceward.seen_event (scope, event_id)
        SELECT $1, id FROM unnest($2) AS id
        ON CONFLICT DO NOTHING
        RETURNING event_id
        """;
}

/// <summary>Calls an <see cref="IHandler{TMessage}"/> for each record.</summary>
internal sealed class RecordSubscription<TMessage, THandler>(
    SubscriptionSettings settings, IDeserializer<TMessage> deserializer, Func<TMessage, string?>? eventId)
    : Subscription<TMessage>(settings, deserializer, eventId)
    where THandler : class, IHandler<TMessage>
{
    public override bool HandlesOneByOne => true;

    public override Type Handler => typeof(THandler);

    public override async ValueTask ApplyAsync(ReadOnlyMemory<Record> records, BatchScope scope, CancellationToken cancellationToken)
    {
        var received = await ReceiveAsync(records, scope, cancellationToken).ConfigureAwait(false);
        if (received.Count == 0)
            return;
        var handler = scope.Services.GetRequiredService<THandler>();
        foreach (var (message, source) in received)
        {
            scope.Clock?.Start(source);
            await handler.HandleAsync(message, new RecordContext(scope, source), cancellationToken).ConfigureAwait(false);
        }
    }
}

/// <summary>Calls an <see cref="IBatchHandler{TMessage}"/> once for all records.</summary>
internal sealed class BatchSubscription<TMessage, THandler>(
    SubscriptionSettings settings, IDeserializer<TMessage> deserializer, Func<TMessage, string?>? eventId)
    : Subscription<TMessage>(settings, deserializer, eventId)
    where THandler : class, IBatchHandler<TMessage>
{
    public override Type Handler => typeof(THandler);

    public override async ValueTask ApplyAsync(ReadOnlyMemory<Record> records, BatchScope scope, CancellationToken cancellationToken)
    {
        var received = await ReceiveAsync(records, scope, cancellationToken).ConfigureAwait(false);
        if (received.Count > 0)
            await scope.Services.GetRequiredService<THandler>().HandleAsync(received, new BatchContext(scope), cancellationToken).ConfigureAwait(false);
    }
}
