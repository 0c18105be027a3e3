using Microsoft.Extensions.Logging;

namespace Onceward.Broker.Groups;

/// <summary>What groups write to the log.</summary>
internal static partial class GroupLog
{
    [LoggerMessage(EventIds.PreparesRebalance, LogLevel.Information, "Group {Group} rebalances after generation {Generation}: {Reason}")]
    public static partial void PreparesRebalance(this ILogger logger, string group, int generation, string reason);

    [LoggerMessage(EventIds.NewGeneration, LogLevel.Information, "Group {Group} has generation {Generation} with {Members} members, led by {Leader}")]
    public static partial void NewGeneration(this ILogger logger, string group, int generation, int members, string leader);

    [LoggerMessage(EventIds.BecameEmpty, LogLevel.Information, "Group {Group} is empty after generation {Generation}")]
    public static partial void BecameEmpty(this ILogger logger, string group, int generation);

    [LoggerMessage(EventIds.MemberFailed, LogLevel.Information, "Group {Group}: member {Member} was not heard of in time (session time-out {SessionTimeoutMs} ms)")]
    public static partial void MemberFailed(this ILogger logger, string group, string member, int sessionTimeoutMs);

    [LoggerMessage(EventIds.MemberLate, LogLevel.Information, "Group {Group}: member {Member} came too late for the rebalance")]
    public static partial void MemberLate(this ILogger logger, string group, string member);

    [LoggerMessage(EventIds.MemberLeft, LogLevel.Information, "Group {Group}: member {Member} left: {Reason}")]
    public static partial void MemberLeft(this ILogger logger, string group, string member, string reason);

    [LoggerMessage(EventIds.PlaceTaken, LogLevel.Information, "Group {Group}: static member {Instance} starts again, {OldMember} is fenced, {NewMember} has its place")]
    public static partial void PlaceTaken(this ILogger logger, string group, string instance, string oldMember, string newMember);

    [LoggerMessage(EventIds.GroupsLoaded, LogLevel.Information, "{Groups} groups read from {Records} records")]
    public static partial void GroupsLoaded(this ILogger logger, int groups, long records);

    [LoggerMessage(EventIds.GroupRecordUnreadable, LogLevel.Warning, "{Topic}-{Partition}: the batch at offset {Offset} holds no readable group state and is passed over")]
    public static partial void GroupRecordUnreadable(this ILogger logger, string topic, int partition, long offset);

    [LoggerMessage(EventIds.GroupDeleted, LogLevel.Information, "Group {Group} is deleted: {Reason}")]
    public static partial void GroupDeleted(this ILogger logger, string group, string reason);

    [LoggerMessage(EventIds.GroupSaveFailed, LogLevel.Error, "Group {Group} could not be saved: {Error} {Message}")]
    public static partial void GroupSaveFailed(this ILogger logger, string group, Protocol.ErrorCode error, string? message);

    [LoggerMessage(EventIds.OffsetsExpired, LogLevel.Information, "Group {Group}: {Count} offsets expired")]
    public static partial void OffsetsExpired(this ILogger logger, string group, int count);

    [LoggerMessage(EventIds.GroupsFailed, LogLevel.Error, "A task of the group coordinator failed; it is tried again at the next occasion")]
    public static partial void GroupsFailed(this ILogger logger, Exception exception);
}
