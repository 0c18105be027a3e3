namespace Onceward;

/// <summary>The numbers of log messages, in ranges by area. A number is never given to another message.</summary>
internal static class EventIds
{
    // 1000: hosting
    public const int WorkerStarting = 1000;
    public const int WorkerStopped = 1001;
    public const int WorkerNotReady = 1002;

    // 1100: intake
    public const int PartitionsClaimed = 1100;
    public const int PartitionsRevoked = 1101;
    public const int ClaimFailed = 1102;
    public const int ConsumeFailed = 1103;
    public const int CallbackFailed = 1104;
    public const int ClientError = 1105;
    public const int PartitionStopped = 1106;
    public const int ConsumerRestarting = 1107;
    public const int MirrorFailed = 1108;
    public const int ClientLog = 1109;
    public const int AnchorGone = 1110;
    public const int OwnersFenceEachOther = 1111;
    public const int IncidentNotNoted = 1112;
    public const int WatchFailed = 1113;
    public const int TopicMissing = 1114;
    public const int TransactionHung = 1115;
    public const int GroupProtocolUnknown = 1116;
    public const int InstanceNameTaken = 1117;

    // 1200: lanes
    public const int BatchCommitted = 1200;
    public const int BatchRetried = 1201;
    public const int PartitionFenced = 1202;
    public const int CommitUnknown = 1203;
    public const int LaneFailed = 1204;
    public const int FrozenSessionEnded = 1205;

    // 1300: handling
    // 1300 was a record that waited at the head of its partition.
    public const int RecordDeadLettered = 1301;
    public const int BatchIsolated = 1302;
    public const int RecordParked = 1303;
    public const int KeyHeld = 1304;
    public const int PartitionBlocked = 1305;
    public const int KeyRedriven = 1306;
    public const int RedriveFailed = 1307;
    public const int RedriveRetried = 1308;
    public const int TransactionEnded = 1309;
    public const int BlockNotNoted = 1310;

    // 1400: ledger
    public const int LedgerMigrated = 1400;
    public const int SubscriptionCreated = 1401;
    public const int EventsPruned = 1450;
    public const int PruneFailed = 1451;

    // 1500: outbox
    public const int SlotStarted = 1500;
    public const int SlotFailed = 1501;
    public const int ChannelStopped = 1502;
    public const int RelayNotReady = 1503;
    public const int RelayPublished = 1504;
    public const int PositionsPruned = 1505;
    public const int RelayTopicCreated = 1506;
    public const int RelayClient = 1507;
    public const int TransactionHalfCommitted = 1508;
    public const int TransactionUnchecked = 1509;
}
