using Onceward.Broker.Log;
using Onceward.Broker.Protocol;

namespace Onceward.Broker.Handlers;

/// <summary>Whether a client and this broker speak of the same leader.</summary>
internal static class LeaderEpoch
{
    /// <param name="log">Null: there is no such partition.</param>
    /// <param name="known">What the client knows; -1: it does not say.</param>
    public static ErrorCode Check(PartitionLog? log, int known)
    {
        if (log is null)
            return ErrorCode.UnknownTopicOrPartition;
        if (known < 0 || known == log.LeaderEpoch)
            return ErrorCode.None;
        return known < log.LeaderEpoch ? ErrorCode.FencedLeaderEpoch : ErrorCode.UnknownLeaderEpoch;
    }
}
