using Onceward.Ledger;

namespace Onceward.Intake;

/// <summary>Holds what arrives from a partition's log against what the ledger knows of it. Belongs to the poll thread.</summary>
/// <remarks>
/// The client is started at the record that was applied last, the anchor. That it arrives, unchanged, proves both that the log is the one we know and
/// that the client begins where it was told; from there on, nothing visible may lie before the ledger's position, and leader epochs never go back.
/// </remarks>
internal sealed class LogCheck
{
    private readonly Anchor? _anchor;
    private readonly long _position;
    private bool _verified;
    private int _leaderEpoch;

    /// <param name="row">What the ledger says.</param>
    /// <param name="start">Where the client was started: at the anchor, or behind it where the log no longer has it.</param>
    public LogCheck(OffsetRow row, long start)
    {
        (_anchor, _position) = (row.Anchor, row.NextOffset);
        _verified = row.Anchor is not { } anchor || start > anchor.Offset;
        _leaderEpoch = row.Anchor?.LeaderEpoch ?? -1;
    }

    public LogFinding See(Record record)
    {
        var offset = record.Offset.Value;
        // A client that waited for its claim may have been started further back than needed.
        if (_anchor is { } before && offset < before.Offset)
            return LogFinding.Fine;
        if (record.LeaderEpoch is { } epoch)
        {
            if (epoch < _leaderEpoch)
                return LogFinding.LeaderEpochWentBack;
            _leaderEpoch = epoch;
        }
        if (_anchor is not { } anchor || (_verified && offset >= _position))
            return LogFinding.Fine;
        if (offset == anchor.Offset)
        {
            _verified = anchor.Is(record);
            return _verified ? LogFinding.Fine : LogFinding.AnotherRecord;
        }
        // Between anchor and position there were only control records and records of aborted transactions.
        return offset < _position ? LogFinding.UnknownRecord : LogFinding.AnchorMissing;
    }

    /// <summary>The client has come to the end of the log.</summary>
    public LogFinding SeeEnd(long offset) => offset < _position ? LogFinding.EndsEarly : _verified ? LogFinding.Fine : LogFinding.AnchorMissing;

    /// <summary>The anchor is gone for a good reason: retention or compaction took it.</summary>
    public void GoOnWithoutAnchor() => _verified = true;
}

/// <summary>What is to be said about a log.</summary>
internal enum LogFinding
{
    /// <summary>It is the one we know.</summary>
    Fine,

    /// <summary>At the anchor's offset lies another record.</summary>
    AnotherRecord,

    /// <summary>A visible record lies where there was none when we passed.</summary>
    UnknownRecord,

    /// <summary>The log went on without the anchor. Retention and compaction do that; truncation too.</summary>
    AnchorMissing,

    /// <summary>The log ends before the ledger's position.</summary>
    EndsEarly,

    /// <summary>A record was written under an older leader than the one before it: not in one log.</summary>
    LeaderEpochWentBack,
}
