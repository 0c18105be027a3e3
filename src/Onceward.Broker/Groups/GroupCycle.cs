using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Groups;

/// <summary>How a group gets from one generation to the next: everyone joins, the leader assigns, everyone is told; and what happens to the late.</summary>
/// <remarks>
/// <para>Guarantee: a generation has one assignment. It is saved before any member learns of it.</para>
/// <para>Order: a phase follows only from the one before; who asks out of turn is told so, and joins again.</para>
/// <para>Concurrency: guarded by the group's lock. No I/O, no waiting: what must be saved is handed out by <see cref="TryTakeSave"/>.</para>
/// <para>Crash: an assignment that was not saved was told to nobody. The next start has the generation before, whose members come back to it.</para>
/// </remarks>
internal sealed class GroupCycle(string groupId, GroupMembers members, GroupRules rules, GroupClock clock, ILogger logger)
{
    private readonly Queue<GroupSave> saves = new();
    private GroupPhase previous = GroupPhase.Dead;
    private long joinDeadline = GroupMember.Never;
    private long syncDeadline = GroupMember.Never;
    private int delayLeftMs;
    private bool someoneNew;
    private int owingSync;
    private int assigned; // The last generation whose leader has spoken.

    public GroupPhase Phase { get; private set; } = GroupPhase.Empty;

    /// <summary>When the phase began, in calendar time.</summary>
    public long PhaseSince { get; private set; } = clock.Wall;

    public int Generation { get; private set; }

    /// <summary>Such as "consumer"; null: never had a member.</summary>
    public string? ProtocolType { get; private set; }

    public string? Protocol { get; private set; }

    /// <summary>The topics that the members of this generation are subscribed to; null: not known.</summary>
    public IReadOnlySet<string>? Topics { get; private set; }

    /// <summary>No deadline is earlier than this.</summary>
    public long NextDeadline { get; private set; } = GroupMember.Never;

    public bool TryTakeSave([NotNullWhen(true)] out GroupSave? save) => saves.TryDequeue(out save);

    public void Expect(GroupMember member, int withinMs) => member.Deadline = Note(clock.Now + Math.Max(withinMs, 1));

    /// <summary>An id was given out; its owner should come back with it.</summary>
    public void ExpectOwner(string memberId, int withinMs) => members.Expected[memberId] = Note(clock.Now + Math.Max(withinMs, 1));

    public void Add(GroupMember member, string protocolType, IReadOnlyList<JoinProtocol> protocols)
    {
        if (members.Count == 0)
            ProtocolType = protocolType;
        someoneNew |= Phase == GroupPhase.PreparingRebalance && previous == GroupPhase.Empty;
        members.Add(member, protocols);
        Expect(member, GroupRules.NewMemberTimeoutMs);
    }

    /// <summary>Takes a member out; whatever it waits for is answered.</summary>
    public void Remove(GroupMember member)
    {
        members.AnswerJoin(member, new(ErrorCode.UnknownMemberId, ""));
        member.AnswerSync(new(ErrorCode.UnknownMemberId));
        if (member.OwesSync)
            HeardSync(member);
        members.Remove(member);
    }

    /// <summary>Something changed that calls for a new generation; where one is on its way, it may now be complete.</summary>
    public void BeginOrComplete(string reason)
    {
        if (Phase != GroupPhase.PreparingRebalance)
            Begin(reason);
        else
            CompleteUnlessInitial();
    }

    public void Begin(string reason)
    {
        if (Phase == GroupPhase.CompletingRebalance)
            SendAway(ErrorCode.RebalanceInProgress);
        foreach (var member in members.All)
            member.OwesSync = false;
        (owingSync, syncDeadline) = (0, GroupMember.Never);
        var initial = Phase == GroupPhase.Empty;
        MoveTo(GroupPhase.PreparingRebalance);
        logger.PreparesRebalance(groupId, Generation, reason);
        if (!initial)
            CompleteOrWait();
        else if (rules.InitialDelayMs == 0)
            Complete();
        else
            WaitForMore(rules.InitialDelayMs, members.RebalanceTimeoutMs);
    }

    /// <summary>Someone left, so that maybe nobody is missing any more.</summary>
    public void CompleteIfAllJoined()
    {
        if (Phase == GroupPhase.PreparingRebalance && members.AllJoined)
            Complete();
    }

    /// <summary>The same, but the first members of a group still wait for others.</summary>
    public void CompleteUnlessInitial()
    {
        if (previous != GroupPhase.Empty)
            CompleteIfAllJoined();
    }

    /// <summary>A member asked for its assignment.</summary>
    public void HeardSync(GroupMember member)
    {
        if (!member.OwesSync)
            return;
        member.OwesSync = false;
        if (--owingSync == 0)
            syncDeadline = GroupMember.Never;
    }

    /// <summary>The leader has spoken: what it says is saved, then told to all. A member it left out gets nothing.</summary>
    /// <remarks>Its first word counts: were a second one saved after it, another assignment would be told after a restart than before.</remarks>
    public void Assign(IReadOnlyList<SyncAssignment> assignments)
    {
        if (assigned == Generation)
            return;
        assigned = Generation;
        var byMember = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var assignment in assignments)
            byMember[assignment.MemberId] = assignment.Assignment;
        var generation = Generation;
        Save(member => byMember.GetValueOrDefault(member.Id, []), error => Assigned(generation, byMember, error));
    }

    /// <summary>Asks for the group to be saved as it stands, but for the given assignments.</summary>
    public void Save(Func<GroupMember, byte[]> assignmentOf, Action<ErrorCode>? saved)
    {
        var records = members.All.Select(member => new MemberRecord(
            member.Id, member.InstanceId, member.ClientId, member.ClientHost, member.RebalanceTimeoutMs, member.SessionTimeoutMs,
            member.Metadata(Protocol), assignmentOf(member)));
        saves.Enqueue(new(new(ProtocolType ?? "", Generation, Protocol, members.LeaderId, PhaseSince, [.. records]), saved));
    }

    /// <summary>The group as it was saved. Its members have a whole session's time to be heard of.</summary>
    public void Load(GroupRecord record)
    {
        ProtocolType = record.ProtocolType.Length > 0 ? record.ProtocolType : null;
        (Generation, Protocol, PhaseSince) = (record.Generation, record.Protocol, record.PhaseSince);
        foreach (var kept in record.Members)
        {
            var member = new GroupMember(kept.Id, kept.InstanceId, kept.ClientId, kept.ClientHost)
            {
                RebalanceTimeoutMs = kept.RebalanceTimeoutMs,
                SessionTimeoutMs = kept.SessionTimeoutMs,
                Assignment = kept.Assignment,
            };
            members.Add(member, Protocol is null ? [] : [new(Protocol, kept.Subscription)]);
            Expect(member, member.SessionTimeoutMs);
        }
        members.Lead(record.Leader);
        Phase = record.Members.Count > 0 ? GroupPhase.Stable : GroupPhase.Empty;
        Topics = Subscription.TopicsOf(ProtocolType, Protocol, members.All);
    }

    public void Die() => MoveTo(GroupPhase.Dead);

    /// <summary>Gives up whoever's time is over.</summary>
    public void OnTime()
    {
        var now = clock.Now;
        foreach (var (id, _) in members.Expected.Where(expected => expected.Value <= now).ToList())
        {
            members.Expected.Remove(id);
            CompleteIfAllJoined();
        }
        foreach (var member in members.All.Where(member => member.Deadline <= now).ToList())
            GiveUp(member, now);
        if (joinDeadline <= now)
            JoinTimeIsOver();
        if (syncDeadline <= now)
            SyncTimeIsOver();
        NextDeadline = members.All.Select(static member => member.Deadline).Concat(members.Expected.Values).Append(joinDeadline).Append(syncDeadline).Min();
    }

    private void GiveUp(GroupMember member, long now)
    {
        if (!members.TryGet(member.Id, out var current) || current != member || member.Deadline > now)
            return;
        if (member.IsWaiting)
        {
            member.Deadline = GroupMember.Never; // It gets a new one with its answer.
            return;
        }
        logger.MemberFailed(groupId, member.Id, member.SessionTimeoutMs);
        Remove(member);
        if (Phase is GroupPhase.Stable or GroupPhase.CompletingRebalance)
            Begin($"member {member.Id} was not heard of");
        else
            CompleteIfAllJoined();
    }

    private void WaitForMore(int delayMs, int timeoutMs)
    {
        (delayLeftMs, someoneNew) = (Math.Max(timeoutMs - delayMs, 0), false);
        joinDeadline = Note(clock.Now + delayMs);
    }

    private void CompleteOrWait()
    {
        if (members.AllJoined)
            Complete();
        else
            joinDeadline = Note(clock.Now + Math.Max(members.RebalanceTimeoutMs, 1));
    }

    private void JoinTimeIsOver()
    {
        if (previous == GroupPhase.Empty && someoneNew && delayLeftMs > 0)
            WaitForMore(Math.Min(rules.InitialDelayMs, delayLeftMs), delayLeftMs);
        else
            Complete();
    }

    /// <summary>Everyone who is here makes the next generation. Dynamic members who are not are out; static ones may be starting again.</summary>
    private void Complete()
    {
        joinDeadline = GroupMember.Never;
        foreach (var late in members.All.Where(static member => member is { Joining: null, IsStatic: false }).ToList())
        {
            logger.MemberLate(groupId, late.Id);
            Remove(late);
        }
        if (members.Count > 0 && !members.ElectLeader())
        {
            joinDeadline = Note(clock.Now + Math.Max(members.RebalanceTimeoutMs, GroupRules.LeastWaitMs));
            return;
        }
        Generation++;
        Protocol = members.Vote();
        Topics = Subscription.TopicsOf(ProtocolType, Protocol, members.All);
        if (members.Count == 0)
            BecomeEmpty();
        else
            TellGeneration();
    }

    private void BecomeEmpty()
    {
        MoveTo(GroupPhase.Empty);
        logger.BecameEmpty(groupId, Generation);
        Save(static _ => [], saved: null);
    }

    private void TellGeneration()
    {
        MoveTo(GroupPhase.CompletingRebalance);
        logger.NewGeneration(groupId, Generation, members.Count, members.LeaderId!);
        foreach (var member in members.All)
        {
            members.AnswerJoin(member, Current(member));
            (member.IsNew, member.OwesSync) = (false, true);
            Expect(member, member.SessionTimeoutMs);
        }
        owingSync = members.Count;
        syncDeadline = Note(clock.Now + Math.Max(members.RebalanceTimeoutMs, 1));
    }

    /// <summary>This generation as a member is told of it.</summary>
    public JoinGroupResponse Current(GroupMember member) => new(ErrorCode.None, member.Id)
    {
        Generation = Generation,
        ProtocolType = ProtocolType,
        Protocol = Protocol,
        Leader = members.LeaderId ?? "",
        Members = members.IsLeader(member.Id)
            ? [.. members.All.Select(other => new JoinedMember(other.Id, other.InstanceId, other.Metadata(Protocol)))]
            : [],
    };

    private void Assigned(int generation, Dictionary<string, byte[]> assignments, ErrorCode error)
    {
        if (Phase != GroupPhase.CompletingRebalance || Generation != generation)
            return; // Another rebalance began while it was saved.
        if (error != ErrorCode.None)
        {
            SendAway(error);
            Begin($"its assignment could not be saved: {error}");
            return;
        }
        MoveTo(GroupPhase.Stable);
        foreach (var member in members.All)
        {
            member.Assignment = assignments.GetValueOrDefault(member.Id, []);
            if (member.AnswerSync(new(ErrorCode.None, ProtocolType, Protocol, member.Assignment)))
                Expect(member, member.SessionTimeoutMs);
        }
    }

    private void SendAway(ErrorCode error)
    {
        foreach (var member in members.All)
        {
            member.Assignment = [];
            if (member.AnswerSync(new(error)))
                Expect(member, member.SessionTimeoutMs);
        }
    }

    private void SyncTimeIsOver()
    {
        syncDeadline = GroupMember.Never;
        var late = members.All.Where(static member => member.OwesSync).ToList();
        foreach (var member in late)
        {
            logger.MemberLate(groupId, member.Id);
            Remove(member);
        }
        if (late.Count > 0)
            Begin("members did not ask for their assignment in time");
    }

    private void MoveTo(GroupPhase phase) => (previous, Phase, PhaseSince) = (Phase, phase, clock.Wall);

    private long Note(long deadline)
    {
        NextDeadline = Math.Min(NextDeadline, deadline);
        return deadline;
    }
}
