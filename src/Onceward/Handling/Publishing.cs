using System.Diagnostics;
using System.Text;
using Confluent.Kafka;
using Onceward.Outbox;

namespace Onceward.Handling;

/// <summary>Turns what a worker publishes into rows of the outbox, and refuses early what Kafka would refuse late.</summary>
/// <remarks>A row that Kafka refuses would stop its channel, so size and topic name are checked here, while the record can still be set aside.</remarks>
internal sealed class Publishing(string worker, ISerdes serdes, int maxMessageBytes)
{
    // Room for the relay's own headers and for the framing of a record.
    private const int FramingBytes = 512;

    public string IdempotencyKey(TopicPartitionOffset at) => $"{worker}/{at.Topic}/{at.Partition.Value}/{at.Offset.Value}";

    public OutgoingMessage Encode<T>(int subscription, Record cause, string topic, byte[]? key, T message, string? eventId)
    {
        if (!TopicName.IsLegal(topic))
            throw new OncewardException(ErrorCodes.Unpublishable, $"'{topic}' cannot be a topic: 1 to 249 letters, digits, '.', '_' and '-'.");
        var headers = new Headers();
        if (eventId is not null)
            headers.Add(OncewardHeaders.EventId, Encoding.UTF8.GetBytes(eventId));
        AddTrace(headers, cause);
        var value = serdes.SerializerOf<T>().Serialize(message, new SerializationContext(MessageComponentType.Value, topic, headers));
        var encoded = HeaderCodec.Encode(headers);
        var size = (key?.Length ?? 0) + (value?.Length ?? 0) + encoded.Length + FramingBytes;
        if (size > maxMessageBytes)
            throw new OncewardException(
                ErrorCodes.Unpublishable, $"A message to '{topic}' has {size} bytes; MaxMessageBytes is {maxMessageBytes}. Nothing was published.");
        return new OutgoingMessage(subscription, cause.Partition.Value, topic, key, value, encoded);
    }

    /// <summary>The dead letter as a message: the record unchanged, with headers that say where it comes from and why it is here.</summary>
    public OutgoingMessage Encode(DeadLetter letter, string topic)
    {
        var record = letter.Record;
        var headers = new Headers();
        foreach (var header in record.Message.Headers ?? [])
            if (!header.Key.StartsWith(OncewardHeaders.DeadLetterPrefix, StringComparison.Ordinal))
                headers.Add(header.Key, header.GetValueBytes());
        Add(headers, "reason", letter.Reason);
        Add(headers, "error", Shorten(letter.Error.Message, 1000));
        Add(headers, "worker", worker);
        Add(headers, "topic", record.Topic);
        Add(headers, "partition", record.Partition.Value.ToString());
        Add(headers, "offset", record.Offset.Value.ToString());
        Add(headers, "timestamp", record.Message.Timestamp.UnixTimestampMs.ToString());
        Add(headers, "attempts", letter.Attempts.ToString());
        var value = record.Message.Value;
        var encoded = HeaderCodec.Encode(headers);
        var key = record.Message.Key;
        if ((key?.Length ?? 0) + (value?.Length ?? 0) + encoded.Length + FramingBytes > maxMessageBytes)
        {
            // The table has the bytes in any case; the topic then at least says that there is something to look at.
            Add(headers, "value-omitted", (value?.Length ?? 0).ToString());
            (value, encoded) = (null, HeaderCodec.Encode(headers));
        }
        if ((key?.Length ?? 0) + encoded.Length + FramingBytes > maxMessageBytes)
        {
            // It is the record's key or headers: a row that Kafka refuses would stop the channel, so only our own headers go.
            foreach (var name in headers.Select(h => h.Key).Where(n => !n.StartsWith(OncewardHeaders.DeadLetterPrefix, StringComparison.Ordinal)).ToArray())
                headers.Remove(name);
            Add(headers, "key-omitted", (key?.Length ?? 0).ToString());
            (key, encoded) = (null, HeaderCodec.Encode(headers));
        }
        return new OutgoingMessage(letter.Subscription.Id, record.Partition.Value, topic, key, value, encoded);
    }

    private static void AddTrace(Headers headers, Record cause)
    {
        if (Activity.Current?.Id is { } current)
            headers.Add(OncewardHeaders.TraceParent, Encoding.UTF8.GetBytes(current));
        else if (cause.Message.Headers is { } incoming && incoming.TryGetLastBytes(OncewardHeaders.TraceParent, out var parent))
            headers.Add(OncewardHeaders.TraceParent, parent);
    }

    private static void Add(Headers headers, string name, string value) =>
        headers.Add(OncewardHeaders.DeadLetterPrefix + name, Encoding.UTF8.GetBytes(value));

    private static string Shorten(string text, int most) => text.Length <= most ? text : text[..most];
}
