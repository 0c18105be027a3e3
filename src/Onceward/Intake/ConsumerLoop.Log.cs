using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace Onceward.Intake;

internal sealed partial class ConsumerLoop
{
    [LoggerMessage(EventIds.PartitionsClaimed, LogLevel.Information, "Worker {Worker} claimed {Count} partitions: {Positions}")]
    private static partial void LogClaimed(ILogger logger, string worker, int count, string positions);

    [LoggerMessage(EventIds.PartitionsRevoked, LogLevel.Information, "Worker {Worker} gave up {Count} partitions")]
    private static partial void LogRevoked(ILogger logger, string worker, int count);

    [LoggerMessage(EventIds.ClaimFailed, LogLevel.Warning, "Worker {Worker} could not claim {Count} partitions; trying again")]
    private static partial void LogClaimFailed(ILogger logger, Exception exception, string worker, int count);

    [LoggerMessage(EventIds.ConsumeFailed, LogLevel.Warning, "Worker {Worker}: consuming failed with {Code}; every partition is repositioned from the ledger")]
    private static partial void LogConsumeFailed(ILogger logger, Exception exception, string worker, ErrorCode code);

    [LoggerMessage(EventIds.CallbackFailed, LogLevel.Error, "Worker {Worker}: a rebalance callback failed; every partition is repositioned from the ledger")]
    private static partial void LogCallbackFailed(ILogger logger, Exception exception, string worker);

    [LoggerMessage(EventIds.ClientError, LogLevel.Warning, "Worker {Worker}: {Reason}")]
    private static partial void LogClientError(ILogger logger, string worker, string reason);

    [LoggerMessage(EventIds.ClientLog, LogLevel.Debug, "Worker {Worker}: {Facility}: {Message}")]
    private static partial void LogClient(ILogger logger, string worker, string facility, string message);

    [LoggerMessage(EventIds.PartitionStopped, LogLevel.Error, "Worker {Worker} does not read {Partition}: the broker does not have the ledger's position, or an operator stopped it. See onceward.incident")]
    private static partial void LogStopped(ILogger logger, Exception? exception, string worker, string partition);

    [LoggerMessage(EventIds.ConsumerRestarting, LogLevel.Warning, "Worker {Worker}: {Reason}; a new consumer begins where the ledger says, in {Pause:0.0} s")]
    private static partial void LogRestarting(ILogger logger, Exception? exception, string worker, string reason, double pause);

    [LoggerMessage(EventIds.MirrorFailed, LogLevel.Debug, "Worker {Worker} could not mirror an offset: {Reason}")]
    private static partial void LogMirrorFailed(ILogger logger, string worker, string reason);
}
