using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace Onceward.Intake;

internal sealed partial class ConsumerLoop
{
    [LoggerMessage(EventIds.PartitionsClaimed, LogLevel.Information, "Worker {Worker} claimed {Count} partitions: {Positions}")]
    private static partial void LogClaimed(ILogger logger, string worker, int count, string positions);

    [LoggerMessage(EventIds.PartitionsRevoked, LogLevel.Information, "Worker {Worker} gave up {Count} partitions")]
    private static partial void LogRevoked(ILogger logger, string worker, int count);

    [LoggerMessage(EventIds.ClaimFailed, LogLevel.Warning, "Worker {Worker} could not claim {Count} partitions; trying again in the background")]
    private static partial void LogClaimFailed(ILogger logger, Exception exception, string worker, int count);

    [LoggerMessage(EventIds.ConsumeFailed, LogLevel.Warning, "Worker {Worker}: consuming failed with {Code}; every partition is repositioned from the ledger")]
    private static partial void LogConsumeFailed(ILogger logger, Exception exception, string worker, ErrorCode code);

    [LoggerMessage(EventIds.CallbackFailed, LogLevel.Error, "Worker {Worker}: a rebalance callback failed; every partition is repositioned from the ledger")]
    private static partial void LogCallbackFailed(ILogger logger, Exception exception, string worker);

    [LoggerMessage(EventIds.ClientError, LogLevel.Warning, "Worker {Worker}: {Reason}")]
    private static partial void LogClientError(ILogger logger, string worker, string reason);

    [LoggerMessage(EventIds.ClientLog, LogLevel.Debug, "Worker {Worker}: {Facility}: {Message}")]
    private static partial void LogClient(ILogger logger, string worker, string facility, string message);

    [LoggerMessage(EventIds.PartitionStopped, LogLevel.Error, "Worker {Worker} does not read {Partition}: {Reason}. See onceward.incident: a person has to decide where it goes on")]
    private static partial void LogStopped(ILogger logger, string worker, string partition, string reason);

    [LoggerMessage(EventIds.AnchorGone, LogLevel.Information, "Worker {Worker} cannot hold {Partition} against the record applied last: retention or compaction took it")]
    private static partial void LogAnchorGone(ILogger logger, string worker, string partition);

    [LoggerMessage(EventIds.OwnersFenceEachOther, LogLevel.Error, "Worker {Worker}: another owner takes {Partition} from us again and again; staying away for {Pause:0.0} s")]
    private static partial void LogDuel(ILogger logger, string worker, string partition, double pause);

    [LoggerMessage(EventIds.IncidentNotNoted, LogLevel.Warning, "Worker {Worker} could not note an incident; trying again")]
    private static partial void LogNoteFailed(ILogger logger, Exception exception, string worker);

    [LoggerMessage(EventIds.WatchFailed, LogLevel.Warning, "Worker {Worker} could not look at its topics and its ledger; trying again")]
    private static partial void LogLookFailed(ILogger logger, Exception? exception, string worker);

    [LoggerMessage(EventIds.TopicMissing, LogLevel.Error, "Worker {Worker}: topic {Topic} does not exist any more. What was applied stands; other topics go on")]
    private static partial void LogTopicMissing(ILogger logger, string worker, string topic);

    [LoggerMessage(EventIds.ConsumerRestarting, LogLevel.Warning, "Worker {Worker}: {Reason}; a new consumer begins where the ledger says, in {Pause:0.0} s")]
    private static partial void LogRestarting(ILogger logger, Exception? exception, string worker, string reason, double pause);

    [LoggerMessage(EventIds.GroupProtocolUnknown, LogLevel.Error,
        "Worker {Worker} asked to be a member of {Group} by GroupProtocol.Consumer, and the group does not know it: brokers before Apache Kafka 4.0, and the embedded one, do not speak KIP-848. Nothing is read, and nothing is lost. Set WorkerOptions.GroupProtocol to Classic, or upgrade the broker")]
    private static partial void LogProtocolUnknown(ILogger logger, string worker, string group);

    [LoggerMessage(EventIds.InstanceNameTaken, LogLevel.Error,
        "Worker {Worker}: the group still has a member of the name '{Instance}': of a process that runs under the same InstanceName, or of one that died and is not given up yet. Trying again; give each process a name of its own")]
    private static partial void LogNameTaken(ILogger logger, string worker, string instance);

    [LoggerMessage(EventIds.MirrorFailed, LogLevel.Debug, "Worker {Worker} could not mirror an offset: {Reason}")]
    private static partial void LogMirrorFailed(ILogger logger, string worker, string reason);
}
