namespace Onceward.Broker.Groups;

/// <summary>Where a group stands. The names are Kafka's own: tools show them.</summary>
internal enum GroupPhase
{
    /// <summary>No members; maybe offsets.</summary>
    Empty,

    /// <summary>Waits for all members to join.</summary>
    PreparingRebalance,

    /// <summary>All have joined; waits for the leader's assignment.</summary>
    CompletingRebalance,

    /// <summary>Every member has its assignment.</summary>
    Stable,

    /// <summary>Deleted: whoever still holds the object looks the group up again.</summary>
    Dead,
}
