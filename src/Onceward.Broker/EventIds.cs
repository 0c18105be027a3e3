namespace Onceward.Broker;

/// <summary>The numbers of log messages, in ranges by area. A number is never given to another message.</summary>
internal static class EventIds
{
    // 2000: listening

    // 2100: handlers

    // 2200: groups

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
