using Microsoft.Extensions.Logging;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Transactions;

internal sealed partial class TransactionCoordinator
{
    [LoggerMessage(EventIds.TransactionFinishing, LogLevel.Information, "Transactional id {TransactionalId}: finishing the {End} that was decided before the start")]
    private static partial void Finishing(ILogger logger, string transactionalId, string end);

    [LoggerMessage(EventIds.TransactionTimedOut, LogLevel.Information,
        "Transactional id {TransactionalId}: the transaction of producer {ProducerId} was open for more than {TimeoutMs} ms, and is aborted")]
    private static partial void TimedOut(ILogger logger, string transactionalId, long producerId, int timeoutMs);

    [LoggerMessage(EventIds.TransactionNotFinished, LogLevel.Warning,
        "Transactional id {TransactionalId}: the decided transaction could not be finished ({Error}); it is tried again")]
    private static partial void NotFinished(ILogger logger, string transactionalId, ErrorCode error);

    [LoggerMessage(EventIds.TransactionNotStored, LogLevel.Warning, "Transactional id {TransactionalId}: its state could not be written; the request was refused")]
    private static partial void NotStored(ILogger logger, string transactionalId);

    [LoggerMessage(EventIds.NoProducerId, LogLevel.Warning, "No producer id could be given, since a block of them cannot be recorded")]
    private static partial void NoProducerId(ILogger logger, Exception exception);
}
