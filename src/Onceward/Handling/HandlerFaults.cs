using Confluent.Kafka;

namespace Onceward.Handling;

/// <summary>A handler took longer for a record, or a set-based one for a call, than it may.</summary>
internal sealed class HandlerTimeoutException(TopicPartitionOffset at, TimeSpan limit) : OncewardException(
    ErrorCodes.HandlerTimeout, $"The handler was not done with {at.Topic}[{at.Partition.Value}]@{at.Offset.Value} within its time limit of {limit}. Nothing of the attempt was kept; RetryOptions.TimeLimit sets the limit.");

/// <summary>A handler left the connection in a state in which nobody can use it: the attempt is over, and the next one knows whom to suspect.</summary>
internal sealed class ConnectionSpoiledException(Exception cause, Task handler) : OncewardException(ErrorCodes.HandlerLeak, cause.Message, cause)
{
    /// <summary>Ends when the handler lets go of the connection.</summary>
    public Task Handler => handler;
}

/// <summary>A handler ended the transaction that it was lent: what it had done by then may be committed, without the offset.</summary>
internal sealed class TransactionEndedException(Exception? cause) : OncewardException(
    ErrorCodes.TransactionEnded, "A handler ended the transaction that it was lent (it committed, rolled back or closed it). Its effects up to there may be committed without the offset, and would be applied again with the next attempt: nothing is tried again by itself. Correct the handler, look what the records have done, then set the position.", cause);
