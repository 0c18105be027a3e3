using Microsoft.Extensions.Logging;

namespace Onceward.Broker.Storage;

internal static partial class StorageLog
{
    [LoggerMessage(EventIds.LogCut, LogLevel.Warning,
        "{Folder} was not closed in order: its log now ends at offset {Offset}, {Bytes} bytes behind it were dropped ({Reason})")]
    public static partial void Cut(this ILogger logger, string folder, long offset, long bytes, string reason);

    [LoggerMessage(EventIds.FolderSetAside, LogLevel.Warning,
        "{Folder} holds records of another topic of that name, with id {TopicId}: it was renamed to {To}, and may be deleted")]
    public static partial void SetAside(this ILogger logger, string folder, Guid topicId, string to);

    [LoggerMessage(EventIds.LogFailed, LogLevel.Error, "{Topic}-{Partition} takes and gives no records until the broker is started again: {Reason}")]
    public static partial void LogFailed(this ILogger logger, string topic, int partition, string reason);

    [LoggerMessage(EventIds.LogTroubled, LogLevel.Warning, "{Topic}-{Partition}: {Reason}")]
    public static partial void LogTroubled(this ILogger logger, string topic, int partition, string reason);

    [LoggerMessage(EventIds.SegmentsDeleted, LogLevel.Debug, "{Topic}-{Partition} starts at offset {Offset} now: what was before is past its retention")]
    public static partial void SegmentsDeleted(this ILogger logger, string topic, int partition, long offset);

    [LoggerMessage(EventIds.HousekeepingFailed, LogLevel.Error, "Housekeeping of {Topic}-{Partition} failed, and is tried again")]
    public static partial void HousekeepingFailed(this ILogger logger, Exception exception, string topic, int partition);
}
