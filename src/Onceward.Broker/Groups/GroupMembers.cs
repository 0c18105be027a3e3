using System.Diagnostics.CodeAnalysis;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Groups;

/// <summary>The members of one group, those who are about to become members, their leader, and the protocols they share.</summary>
/// <remarks>Guarded by the group's lock. Counts are kept, not taken, so that thousands may join one group.</remarks>
internal sealed class GroupMembers
{
    private readonly OrderedDictionary<string, GroupMember> byId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> idByInstance = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> offers = new(StringComparer.Ordinal); // How many members offer a protocol.
    private int joining;

    /// <summary>In the order in which they came.</summary>
    public IReadOnlyList<GroupMember> All => byId.Values;

    public int Count => byId.Count;

    /// <summary>Ids that were given out and whose owners have not come back with them yet, with the time when they are given up.</summary>
    public Dictionary<string, long> Expected { get; } = new(StringComparer.Ordinal);

    public string? LeaderId { get; private set; }

    /// <summary>The longest time that any member may take to join again.</summary>
    public int RebalanceTimeoutMs => byId.Count == 0 ? 0 : byId.Values.Max(member => member.RebalanceTimeoutMs);

    public bool AllJoined => joining == byId.Count && Expected.Count == 0;

    public bool TryGet(string id, [NotNullWhen(true)] out GroupMember? member) => byId.TryGetValue(id, out member);

    public string? IdOf(string instanceId) => idByInstance.GetValueOrDefault(instanceId);

    public bool IsLeader(string id) => LeaderId == id;

    /// <summary>Whether the caller is the member that it says it is.</summary>
    public ErrorCode Check(string id, string? instanceId)
    {
        if (instanceId is not null && IdOf(instanceId) is { } current && current != id)
            return ErrorCode.FencedInstanceId;
        if (instanceId is not null && IdOf(instanceId) is null)
            return ErrorCode.UnknownMemberId;
        return byId.ContainsKey(id) ? ErrorCode.None : ErrorCode.UnknownMemberId;
    }

    public void Add(GroupMember member, IReadOnlyList<JoinProtocol> protocols)
    {
        byId.Add(member.Id, member);
        if (member.InstanceId is { } instance)
            idByInstance.Add(instance, member.Id);
        Expected.Remove(member.Id);
        LeaderId ??= member.Id;
        Offer(member, protocols);
    }

    public void Remove(GroupMember member)
    {
        byId.Remove(member.Id);
        Offer(member, []);
        if (member.InstanceId is { } instance)
            idByInstance.Remove(instance);
        if (member.Joining is not null)
            joining--;
        if (IsLeader(member.Id))
            LeaderId = byId.Count > 0 ? byId.GetAt(0).Key : null;
    }

    /// <summary>Gives a static member's place to its next life: the same assignment and rank under another id.</summary>
    public GroupMember Replace(GroupMember old, string newId)
    {
        var next = new GroupMember(newId, old.InstanceId, old.ClientId, old.ClientHost)
        {
            Protocols = old.Protocols,
            SessionTimeoutMs = old.SessionTimeoutMs,
            RebalanceTimeoutMs = old.RebalanceTimeoutMs,
            Assignment = old.Assignment,
            OwesSync = old.OwesSync,
        };
        var place = byId.IndexOf(old.Id);
        byId.RemoveAt(place);
        byId.Insert(place, newId, next);
        idByInstance[old.InstanceId!] = newId;
        if (IsLeader(old.Id))
            LeaderId = newId;
        return next;
    }

    /// <summary>Takes a member's protocols instead of those it offered before.</summary>
    public void Offer(GroupMember member, IReadOnlyList<JoinProtocol> protocols)
    {
        foreach (var protocol in member.Protocols)
        {
            if (--offers[protocol.Name] == 0)
                offers.Remove(protocol.Name);
        }
        member.Protocols = protocols;
        foreach (var protocol in protocols)
            offers[protocol.Name] = offers.GetValueOrDefault(protocol.Name) + 1;
    }

    /// <summary>Whether all members offer one of these.</summary>
    public bool Share(IEnumerable<JoinProtocol> protocols) => protocols.Any(protocol => offers.GetValueOrDefault(protocol.Name) == byId.Count);

    /// <summary>Each member votes for the one it likes best among those that all offer; null: there is none, or nobody to vote.</summary>
    public string? Vote() => byId.Values
        .Select(member => member.Protocols.FirstOrDefault(protocol => offers[protocol.Name] == byId.Count)?.Name)
        .OfType<string>()
        .CountBy(static name => name)
        .OrderByDescending(static votes => votes.Value)
        .Select(static votes => votes.Key)
        .FirstOrDefault();

    /// <summary>Whoever leads must have joined: another takes over where the leader has not. False: nobody has joined.</summary>
    public bool ElectLeader()
    {
        if (LeaderId is null || byId[LeaderId].Joining is not null)
            return LeaderId is not null;
        if (byId.Values.FirstOrDefault(member => member.Joining is not null) is not { } next)
            return false;
        LeaderId = next.Id;
        return true;
    }

    public void Lead(string? id) => LeaderId = id is not null && byId.ContainsKey(id) ? id : LeaderId;

    /// <summary>Lets its request wait for the others. An earlier one, whose client gave up, is sent away.</summary>
    public Task<JoinGroupResponse> ParkJoin(GroupMember member)
    {
        AnswerJoin(member, new(ErrorCode.RebalanceInProgress, member.Id));
        member.Joining = new(TaskCreationOptions.RunContinuationsAsynchronously);
        joining++;
        return member.Joining.Task;
    }

    public void AnswerJoin(GroupMember member, JoinGroupResponse response)
    {
        if (member.Joining is not { } waiting)
            return;
        member.Joining = null;
        joining--;
        waiting.TrySetResult(response);
    }
}
