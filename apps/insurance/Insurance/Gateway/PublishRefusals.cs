using Confluent.Kafka;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Code = Grpc.Core.StatusCode;

namespace Insurance.Gateway;

/// <summary>What a caller is told about an event that Kafka did not confirm.</summary>
internal static class PublishRefusals
{
    private static readonly Duration RetryDelay = Duration.FromTimeSpan(TimeSpan.FromSeconds(1));

    /// <summary>The producer did not take the event: it is certain not to be on the topic.</summary>
    public static Status NotTaken(Error error) => error.Code switch
    {
        ErrorCode.Local_QueueFull => Retry(
            Code.ResourceExhausted, "The gateway has as many events in hand as it can hold. Nothing was published; try again."),
        ErrorCode.MsgSizeTooLarge => new Status { Code = (int)Code.InvalidArgument, Message = "The event is larger than its topic takes." },
        _ => Retry(Code.Unavailable, "The event could not be handed to Kafka. Nothing was published; try again."),
    };

    /// <summary>The producer took the event and could not confirm it.</summary>
    public static Status NotDelivered(PersistenceStatus status) => status == PersistenceStatus.NotPersisted
        ? Retry(Code.Unavailable, "Kafka did not take the event. It was not published; try again.")
        : Retry(Code.Unavailable, "Kafka did not confirm the event, which may be published. Send it again under the same event_id.");

    private static Status Retry(Code code, string message) =>
        new() { Code = (int)code, Message = message, Details = { Any.Pack(new RetryInfo { RetryDelay = RetryDelay }) } };
}
