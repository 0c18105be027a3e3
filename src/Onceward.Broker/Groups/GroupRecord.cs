using Onceward.Broker.Protocol;

namespace Onceward.Broker.Groups;

/// <summary>What is kept of a group: its last generation, as it was assigned.</summary>
internal sealed record GroupRecord(string ProtocolType, int Generation, string? Protocol, string? Leader, long PhaseSince, IReadOnlyList<MemberRecord> Members);

internal sealed record MemberRecord(
    string Id, string? InstanceId, string ClientId, string ClientHost, int RebalanceTimeoutMs, int SessionTimeoutMs, byte[] Subscription, byte[] Assignment);

/// <summary>A record that must be in the log before something is answered.</summary>
/// <param name="Record">What to append.</param>
/// <param name="Saved">Called under the group's lock when it is there, or with the error; null: nobody waits for it.</param>
internal sealed record GroupSave(GroupRecord Record, Action<ErrorCode>? Saved);
