using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Groups;

/// <summary>Who joins: what a group shows of its members, and what the version of the request lets it be told.</summary>
internal readonly record struct JoiningClient(string Id, string Host, short Version);

/// <summary>One member of a group. Guarded by the group's lock.</summary>
internal sealed class GroupMember(string id, string? instanceId, string clientId, string clientHost)
{
    /// <summary>The deadline of whom nothing is expected from.</summary>
    public const long Never = long.MaxValue;

    public string Id => id;

    /// <summary>The name of a static member, which survives its restarts; null: a dynamic one.</summary>
    public string? InstanceId => instanceId;

    public string ClientId => clientId;

    public string ClientHost => clientHost;

    public bool IsStatic => instanceId is not null;

    /// <summary>In the order of its preference. Changed by <see cref="GroupMembers"/> only, which counts them.</summary>
    public IReadOnlyList<JoinProtocol> Protocols { get; set; } = [];

    public int SessionTimeoutMs { get; set; }

    public int RebalanceTimeoutMs { get; set; }

    public byte[] Assignment { get; set; } = [];

    /// <summary>Has not been told of a generation yet, so it cannot send heartbeats.</summary>
    public bool IsNew { get; set; }

    /// <summary>It was told of a generation and has not asked for its assignment.</summary>
    public bool OwesSync { get; set; }

    /// <summary>When it is given up unless it is heard of; on the group's clock.</summary>
    public long Deadline { get; set; } = Never;

    /// <summary>Its request to join, waiting for the others. Set by <see cref="GroupMembers"/> only, which counts them.</summary>
    public TaskCompletionSource<JoinGroupResponse>? Joining { get; set; }

    public TaskCompletionSource<SyncGroupResponse>? Syncing { get; private set; }

    /// <summary>It waits for the group, so the group cannot expect a heartbeat.</summary>
    public bool IsWaiting => !IsNew && (Joining is not null || Syncing is not null);

    public byte[] Metadata(string? protocol) => Protocols.FirstOrDefault(offered => offered.Name == protocol)?.Metadata ?? [];

    public bool Offers(IReadOnlyList<JoinProtocol> protocols) =>
        protocols.Count == Protocols.Count
        && protocols.Zip(Protocols).All(static pair => pair.First.Name == pair.Second.Name && pair.First.Metadata.AsSpan().SequenceEqual(pair.Second.Metadata));

    /// <summary>Lets its request wait for the leader's assignment. An earlier one, whose client gave up, is sent away.</summary>
    public Task<SyncGroupResponse> ParkSync()
    {
        AnswerSync(new(ErrorCode.RebalanceInProgress));
        Syncing = new(TaskCreationOptions.RunContinuationsAsynchronously);
        return Syncing.Task;
    }

    public bool AnswerSync(SyncGroupResponse response)
    {
        var waiting = Syncing;
        Syncing = null;
        return waiting?.TrySetResult(response) == true;
    }
}
