using Microsoft.Extensions.Logging;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Groups;

/// <summary>One group as its members see it: who may join, sync, send heartbeats, leave and commit, and what each is told.</summary>
/// <remarks>
/// <para>Guarantee: nobody of an old generation, and no static member whose place was taken, gets anything but an error.</para>
/// <para>Concurrency: guarded by the group's lock. Tasks that it returns are completed under that lock; their continuations run elsewhere.
/// A request that waits and is sent again is answered REBALANCE_IN_PROGRESS, so that none waits for ever.</para>
/// <para>Source: what Apache Kafka 4.3.1 does; KIP-345 for static members, KIP-394 for required ids, KIP-559 and KIP-814 for the newer fields.</para>
/// </remarks>
internal sealed class ClassicGroup
{
    private const short IdRequiredFrom = 4;
    private const short SkipAssignmentFrom = 9;

    private readonly string id;
    private readonly GroupRules rules;
    private readonly GroupMembers members = new();
    private readonly GroupCycle cycle;
    private readonly ILogger logger;

    public ClassicGroup(string id, GroupRules rules, GroupClock clock, ILogger logger)
    {
        (this.id, this.rules, this.logger) = (id, rules, logger);
        cycle = new GroupCycle(id, members, rules, clock, logger);
    }

    /// <summary>Saves that are asked for, deadlines, and what a generation is about.</summary>
    public GroupCycle Cycle => cycle;

    public GroupPhase Phase => cycle.Phase;

    public bool IsDead => cycle.Phase == GroupPhase.Dead;

    /// <summary>Nothing would be lost with it but offsets.</summary>
    public bool IsEmpty => cycle.Phase == GroupPhase.Empty;

    public bool HasExpected => members.Expected.Count > 0;

    public Task<JoinGroupResponse> Join(JoinGroupRequest request, JoiningClient client)
    {
        if (!Supports(request))
            return Refuse(ErrorCode.InconsistentGroupProtocol, request.MemberId);
        if (request.MemberId.Length > 0)
            return Rejoin(request, client);
        if (request.InstanceId is { } instance)
            return members.IdOf(instance) is { } old ? TakePlace(old, request, client) : Add(rules.MemberId(instance), request, client);
        var newId = rules.MemberId(client.Id);
        if (client.Version < IdRequiredFrom)
            return Add(newId, request, client);
        cycle.ExpectOwner(newId, request.SessionTimeoutMs);
        return Refuse(ErrorCode.MemberIdRequired, newId);
    }

    public Task<SyncGroupResponse> Sync(SyncGroupRequest request)
    {
        if (RefuseSync(request) is not ErrorCode.None and var error)
            return Task.FromResult(new SyncGroupResponse(error));
        members.TryGet(request.MemberId, out var member);
        cycle.HeardSync(member!);
        if (Phase == GroupPhase.Stable)
            return Task.FromResult(new SyncGroupResponse(ErrorCode.None, cycle.ProtocolType, cycle.Protocol, member!.Assignment));
        var answer = member!.ParkSync();
        if (members.IsLeader(member.Id))
            cycle.Assign(request.Assignments);
        return answer;
    }

    public ErrorCode Heartbeat(HeartbeatRequest request)
    {
        if (IsEmpty)
            return ErrorCode.UnknownMemberId;
        if (Check(request.MemberId, request.InstanceId, request.Generation) is not ErrorCode.None and var error)
            return error;
        Heard(request.MemberId);
        return Phase == GroupPhase.PreparingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
    }

    /// <summary>Each leaves by its id, or a static one by its name alone: an operator takes it out.</summary>
    public List<LeftMember> Leave(IReadOnlyList<LeavingMember> leaving)
    {
        var left = leaving.Select(member => new LeftMember(member.MemberId, member.InstanceId, Leave(member))).ToList();
        var gone = left.Where(static member => member.Error == ErrorCode.None).Select(static member => member.MemberId).ToList();
        if (gone.Count == 0)
            return left;
        if (Phase is GroupPhase.Stable or GroupPhase.CompletingRebalance)
            cycle.Begin($"left: {string.Join(", ", gone)}");
        else
            cycle.CompleteUnlessInitial();
        return left;
    }

    /// <summary>Whether offsets may be committed in this name, which counts as a sign of life.</summary>
    /// <param name="generation">Negative: of no generation, as operators and consumers without a group do it; only into a group without members.</param>
    /// <param name="memberId">Empty: of no member.</param>
    /// <param name="instanceId">Of a static member.</param>
    /// <param name="transactional">Old producers do not say for whom they commit, and a transaction may commit while a new assignment is on its way.</param>
    public ErrorCode CheckCommit(int generation, string memberId, string? instanceId, bool transactional)
    {
        if (generation < 0 && IsEmpty)
            return ErrorCode.None;
        if (generation < 0 && memberId.Length == 0 && instanceId is null)
            return transactional ? ErrorCode.None : ErrorCode.UnknownMemberId;
        if (Check(memberId, instanceId, generation) is not ErrorCode.None and var error)
            return error;
        if (transactional)
            return ErrorCode.None;
        if (Phase == GroupPhase.CompletingRebalance)
            return ErrorCode.RebalanceInProgress;
        Heard(memberId);
        return ErrorCode.None;
    }

    /// <summary>Whether a topic's offsets are in use: a consumer is subscribed to it, or may be.</summary>
    public bool IsSubscribedTo(string topic) => cycle.Topics?.Contains(topic) ?? cycle.ProtocolType == Subscription.Consumer;

    public ErrorCode CheckDeleteOffsets() =>
        IsEmpty || cycle.ProtocolType == Subscription.Consumer ? ErrorCode.None : ErrorCode.NonEmptyGroup;

    /// <summary>When an offset's time is over, in calendar time; null: it is kept as long as things stand as they do.</summary>
    public long? Expires(string topic, in StoredOffset stored)
    {
        if (IsSubscribedTo(topic))
            return null;
        if (stored.ExpiresAt >= 0)
            return MayExpire ? stored.ExpiresAt : null;
        if (cycle.ProtocolType is not null && IsEmpty && cycle.PhaseSince >= 0)
            return cycle.PhaseSince + rules.OffsetsRetentionMs;
        return MayExpire ? stored.CommittedAt + rules.OffsetsRetentionMs : null;
    }

    public ListedGroup List() => new(id, cycle.ProtocolType ?? "", Phase.ToString());

    public DescribedGroup Describe()
    {
        var protocol = Phase == GroupPhase.Stable ? cycle.Protocol : null;
        var described = members.All.Select(member => new DescribedMember(
            member.Id, member.InstanceId, member.ClientId, member.ClientHost, member.Metadata(protocol), member.Assignment));
        return new(ErrorCode.None, null, id, Phase.ToString(), cycle.ProtocolType ?? "", protocol ?? "", [.. described]);
    }

    /// <summary>No member may still want them; or all are consumers, who have said what they want.</summary>
    private bool MayExpire => IsEmpty || cycle.ProtocolType is null || (Phase == GroupPhase.Stable && cycle.Topics is not null);

    private static Task<JoinGroupResponse> Refuse(ErrorCode error, string memberId) => Task.FromResult(new JoinGroupResponse(error, memberId));

    private bool Supports(JoinGroupRequest request) => IsEmpty
        ? request.ProtocolType.Length > 0 && request.Protocols.Count > 0
        : request.ProtocolType == cycle.ProtocolType && members.Share(request.Protocols);

    private Task<JoinGroupResponse> Rejoin(JoinGroupRequest request, JoiningClient client)
    {
        if (members.Expected.ContainsKey(request.MemberId))
            return request.InstanceId is null ? Add(request.MemberId, request, client) : Refuse(ErrorCode.UnknownServerError, request.MemberId);
        if (members.Check(request.MemberId, request.InstanceId) is not ErrorCode.None and var error)
            return Refuse(error, request.MemberId);
        members.TryGet(request.MemberId, out var member);
        var unchanged = member!.Offers(request.Protocols);
        switch (Phase)
        {
            // It did not get the answer to its first request, or follows and has nothing new to say.
            case GroupPhase.CompletingRebalance when unchanged:
            case GroupPhase.Stable when unchanged && !members.IsLeader(member.Id):
                return Task.FromResult(cycle.Current(member));
            // A leader that joins again has seen something that the assignment depends on.
            case GroupPhase.CompletingRebalance or GroupPhase.Stable or GroupPhase.PreparingRebalance:
                var answer = Update(member, request);
                cycle.BeginOrComplete($"member {member.Id} joins again: {request.Reason ?? (unchanged ? "it leads" : "it offers something else")}");
                return answer;
            default:
                return Refuse(ErrorCode.UnknownMemberId, request.MemberId);
        }
    }

    private Task<JoinGroupResponse> Add(string newId, JoinGroupRequest request, JoiningClient client)
    {
        var member = new GroupMember(newId, request.InstanceId, client.Id, client.Host)
        {
            SessionTimeoutMs = request.SessionTimeoutMs,
            RebalanceTimeoutMs = request.RebalanceTimeoutMs,
            IsNew = true,
        };
        cycle.Add(member, request.ProtocolType, request.Protocols);
        var answer = members.ParkJoin(member);
        cycle.BeginOrComplete($"member {newId} joins: {request.Reason ?? "it is new"}");
        return answer;
    }

    private Task<JoinGroupResponse> Update(GroupMember member, JoinGroupRequest request)
    {
        members.Offer(member, request.Protocols);
        (member.SessionTimeoutMs, member.RebalanceTimeoutMs) = (request.SessionTimeoutMs, request.RebalanceTimeoutMs);
        return members.ParkJoin(member);
    }

    /// <summary>A static member started again: its old self is fenced, and where nothing changed its assignment goes on without a rebalance.</summary>
    private Task<JoinGroupResponse> TakePlace(string oldId, JoinGroupRequest request, JoiningClient client)
    {
        var leader = members.LeaderId;
        members.TryGet(oldId, out var old);
        members.AnswerJoin(old!, new(ErrorCode.FencedInstanceId, oldId));
        old!.AnswerSync(new(ErrorCode.FencedInstanceId));
        var member = members.Replace(old, rules.MemberId(request.InstanceId!));
        logger.PlaceTaken(id, request.InstanceId!, oldId, member.Id);
        var answer = Update(member, request);
        cycle.Expect(member, member.SessionTimeoutMs);
        if (Phase == GroupPhase.Stable && members.Vote() == cycle.Protocol)
            SaveTakenPlace(member, client.Version, leader!);
        else if (Phase == GroupPhase.PreparingRebalance)
            cycle.CompleteUnlessInitial();
        else
            cycle.Begin($"static member {request.InstanceId} took its place again"); // The leader may be assigning to the old id.
        return answer;
    }

    /// <remarks>Where it cannot be saved the place stays taken: the old self is gone, and the new one gets an error and joins again.</remarks>
    private void SaveTakenPlace(GroupMember member, short version, string leaderBefore)
    {
        var (waiting, generation) = (member.Joining, cycle.Generation);
        cycle.Save(static kept => kept.Assignment, error =>
        {
            if (member.Joining != waiting || Phase != GroupPhase.Stable || cycle.Generation != generation)
                return; // It was fenced in turn, or takes part in a rebalance, and is answered there.
            cycle.Expect(member, member.SessionTimeoutMs); // While it waited it had no deadline.
            members.AnswerJoin(member, error != ErrorCode.None ? new(error, "") : version >= SkipAssignmentFrom
                ? cycle.Current(member) with { SkipAssignment = members.IsLeader(member.Id) }
                // Older clients would assign anew if they were told that they lead.
                : cycle.Current(member) with { Leader = leaderBefore, Members = [] });
        });
    }

    private ErrorCode RefuseSync(SyncGroupRequest request)
    {
        if (IsEmpty)
            return ErrorCode.UnknownMemberId;
        if (Check(request.MemberId, request.InstanceId, request.Generation) is not ErrorCode.None and var error)
            return error;
        if (Differs(request.ProtocolType, cycle.ProtocolType) || Differs(request.Protocol, cycle.Protocol))
            return ErrorCode.InconsistentGroupProtocol;
        return Phase == GroupPhase.PreparingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
    }

    private static bool Differs(string? said, string? known) => said is not null && known is not null && said != known;

    private ErrorCode Check(string memberId, string? instanceId, int generation) =>
        members.Check(memberId, instanceId) is not ErrorCode.None and var error
            ? error
            : generation == cycle.Generation ? ErrorCode.None : ErrorCode.IllegalGeneration;

    private void Heard(string memberId)
    {
        if (members.TryGet(memberId, out var member))
            cycle.Expect(member, member.SessionTimeoutMs);
    }

    private ErrorCode Leave(LeavingMember leaving)
    {
        if (members.Expected.Remove(leaving.MemberId))
            return ErrorCode.None;
        var memberId = leaving.MemberId;
        if (memberId.Length == 0 && leaving.InstanceId is { } instance)
            memberId = members.IdOf(instance) ?? "";
        if (members.Check(memberId, leaving.InstanceId) is not ErrorCode.None and var error)
            return error;
        members.TryGet(memberId, out var member);
        logger.MemberLeft(id, memberId, leaving.Reason ?? "no reason given");
        cycle.Remove(member!);
        return ErrorCode.None;
    }
}
