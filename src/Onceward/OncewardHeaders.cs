namespace Onceward;

/// <summary>The names of the Kafka headers that Onceward writes.</summary>
public static class OncewardHeaders
{
    /// <summary>The id of the event, UTF-8; the same when a message is a repetition.</summary>
    public const string EventId = "event_id";

    /// <summary>The W3C trace context of what caused the message.</summary>
    public const string TraceParent = "traceparent";

    /// <summary>The channel of the outbox, decimal.</summary>
    public const string Channel = "onceward-channel";

    /// <summary>The row's number in its channel, decimal: dense, from 0, in the order of the commits.</summary>
    public const string Sequence = "onceward-seq";

    /// <summary>The prefix of the headers of a dead letter: reason, error, worker, topic, partition, offset, timestamp, attempts.</summary>
    public const string DeadLetterPrefix = "onceward-dlq-";
}
