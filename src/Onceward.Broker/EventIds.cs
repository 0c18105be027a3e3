namespace Onceward.Broker;

/// <summary>The numbers of log messages, in ranges by area. A number is never given to another message.</summary>
internal static class EventIds
{
    // 2000: listening
    public const int Started = 2000;
    public const int Stopped = 2001;
    public const int AcceptFailed = 2002;
    public const int ConnectionRefused = 2003;
    public const int ConnectionFailed = 2004;
    public const int ConnectionAborted = 2005;

    // 2100: handlers
    public const int TopicAutoCreated = 2100;

    // 2200: groups
    public const int PreparesRebalance = 2200;
    public const int NewGeneration = 2201;
    public const int BecameEmpty = 2202;
    public const int MemberFailed = 2203;
    public const int MemberLate = 2204;
    public const int MemberLeft = 2205;
    public const int PlaceTaken = 2206;
    public const int GroupsLoaded = 2207;
    public const int GroupRecordUnreadable = 2208;
    public const int GroupDeleted = 2209;
    public const int GroupSaveFailed = 2210;
    public const int OffsetsExpired = 2211;
    public const int GroupsFailed = 2212;

    // 2300: transactions
    public const int TransactionFinishing = 2300;
    public const int TransactionTimedOut = 2301;
    public const int TransactionNotFinished = 2302;
    public const int TransactionNotStored = 2303;
    public const int NoProducerId = 2304;
    public const int TransactionSweepFailed = 2305;
    public const int TransactionLogRewritten = 2306;

    // 2400: logs and storage
    public const int LogCut = 2400;
    public const int FolderSetAside = 2401;
    public const int LogFailed = 2402;
    public const int LogTroubled = 2403;
    public const int SegmentsDeleted = 2404;
    public const int HousekeepingFailed = 2405;

    // 2500: topics
}
