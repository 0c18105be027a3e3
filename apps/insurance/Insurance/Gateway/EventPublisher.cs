using System.Text;
using Confluent.Kafka;
using Google.Protobuf;
using Insurance.Contracts;
using Insurance.Hosting;
using Insurance.Kafka;
using ProtoStatus = Google.Rpc.Status;

namespace Insurance.Gateway;

/// <summary>Checks events and hands them to Kafka.</summary>
/// <remarks>
/// Guarantee: an event is accepted only once every in-sync replica has it; a refused one was never handed over. In between lie UNAVAILABLE
/// and a call that ended early: there the event may be on the topic, and its sender repeats it under the same id.
/// Order: events reach the topic in the order of the calls of <see cref="PublishAsync"/>, per policy; it hands over before it returns.
/// A crash loses what was not accepted, and nothing else. Thread-safe.
/// </remarks>
internal sealed partial class EventPublisher : IDisposable
{
    /// <summary>More than any valid id has; an acknowledgement repeats no more of an invalid one.</summary>
    private const int MaxEchoedId = 256;

    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(10);

    private readonly EventRules _rules;
    private readonly ExitStatus _exit;
    private readonly ILogger<EventPublisher> _logger;
    private volatile bool _failing;

    public EventPublisher(ClientConfig client, EventRules rules, ExitStatus exit, ILogger<EventPublisher> logger)
    {
        _rules = rules;
        _exit = exit;
        _logger = logger;
        var builder = new ProducerBuilder<byte[], byte[]>(ProducerSettings.For(client))
            .SetLogHandler((_, message) => LogClient(message.Facility, message.Message))
            .SetErrorHandler((_, error) => OnError(error));
        Producer = KafkaSettings.Build(builder.Build);
    }

    public IProducer<byte[], byte[]> Producer { get; }

    /// <summary>The acknowledgement of one request; it never fails, a refusal is one too.</summary>
    public Task<PublishAck> PublishAsync(PublishRequest request, string? traceParent)
    {
        if (_rules.Check(request.Event) is { } refusal)
            return Task.FromResult(Rejected(request.Event?.EventId ?? "", refusal));
        var eventId = request.Event.EventId;
        var completion = new TaskCompletionSource<PublishAck>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            // librdkafka reports from its one thread, which must neither wait nor see an exception: this only completes the task.
            Producer.Produce(
                Topology.AutoEvents.Name, ToMessage(request.Event, traceParent), report => completion.TrySetResult(ToAck(eventId, report)));
        }
        catch (ProduceException<byte[], byte[]> exception)
        {
            return Task.FromResult(Rejected(eventId, PublishRefusals.NotTaken(exception.Error)));
        }

        return completion.Task;
    }

    public void Dispose()
    {
        Producer.Flush(FlushTimeout);
        Producer.Dispose();
    }

    private static Message<byte[], byte[]> ToMessage(PolicyEvent policyEvent, string? traceParent)
    {
        var headers = new Headers { { Topology.RecordHeaders.EventId, Encoding.UTF8.GetBytes(policyEvent.EventId) } };
        if (traceParent is not null)
            headers.Add(Topology.RecordHeaders.TraceParent, Encoding.UTF8.GetBytes(traceParent));
        return new Message<byte[], byte[]>
        {
            Key = Encoding.UTF8.GetBytes(policyEvent.PolicyId),
            Value = policyEvent.ToByteArray(),
            Headers = headers,
        };
    }

    private PublishAck ToAck(string eventId, DeliveryReport<byte[], byte[]> report)
    {
        if (!report.Error.IsError && report.Status == PersistenceStatus.Persisted)
        {
            _failing = false;
            var accepted = new Accepted { Topic = report.Topic, Partition = report.Partition.Value, Offset = report.Offset.Value };
            return new PublishAck { EventId = eventId, Accepted = accepted };
        }

        // An outage fails thousands of events for one reason: the first of them says it, the others only to who asks.
        var level = _failing ? LogLevel.Debug : LogLevel.Warning;
        _failing = true;
        LogNotDelivered(level, eventId, report.Status, report.Error.Reason);
        return Rejected(eventId, PublishRefusals.NotDelivered(report.Status));
    }

    private static PublishAck Rejected(string eventId, ProtoStatus refusal) =>
        new() { EventId = eventId.Length > MaxEchoedId ? eventId[..MaxEchoedId] : eventId, Rejected = refusal };

    private void OnError(Error error)
    {
        if (!error.IsFatal)
        {
            // Comes with every attempt of an outage, beside the reason of each broker; that it is one, BrokerWatch says.
            LogError(error.Code == ErrorCode.Local_AllBrokersDown ? LogLevel.Debug : LogLevel.Warning, error.Code, error.Reason);
            return;
        }

        // An idempotent producer that lost its place refuses everything from now on. A new process starts clean.
        LogFatal(error.Code, error.Reason);
        _exit.GiveUp();
    }

    [LoggerMessage(EventId = 7100, Message = "Event {EventId} is not acknowledged ({Status}): {Reason}")]
    private partial void LogNotDelivered(LogLevel level, string eventId, PersistenceStatus status, string reason);

    [LoggerMessage(EventId = 7101, Message = "Kafka {Code}: {Reason}")]
    private partial void LogError(LogLevel level, ErrorCode code, string reason);

    [LoggerMessage(EventId = 7102, Level = LogLevel.Critical, Message = "The producer cannot go on, so the process ends: {Code}, {Reason}")]
    private partial void LogFatal(ErrorCode code, string reason);

    [LoggerMessage(EventId = 7103, Level = LogLevel.Debug, Message = "librdkafka {Facility}: {Text}")]
    private partial void LogClient(string facility, string text);
}
