using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Onceward.Broker.Log;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Groups;

/// <summary>All groups of this broker: members, generations, assignments, offsets.</summary>
/// <remarks>
/// <para>Guarantee: offsets and group state are records of the topic __consumer_offsets, in Kafka's own format, appended before anybody is told;
/// memory is a view of them. A member outlives a restart of the broker with its generation.</para>
/// <para>Concurrency: one lock a group, never held across an await; groups do not wait for each other.</para>
/// <para>Bounded: what is written again and again is rewritten when it has grown far, and the log's start moved.</para>
/// </remarks>
internal sealed class GroupCoordinator : IDisposable
{
    private const long RewriteAfterBytes = 8 * 1024 * 1024; // Read back in a moment, and far more than a few groups need.

    private readonly ConcurrentDictionary<string, Group> groups = new(StringComparer.Ordinal);
    private readonly TopicRegistry topics;
    private readonly OffsetsTopic offsetsTopic;
    private readonly GroupRules rules;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly ITimer housekeeping;

    public GroupCoordinator(BrokerOptions options, TopicRegistry topics, ILoggerFactory loggerFactory)
        : this(options, topics, loggerFactory, GroupRules.From(options), RewriteAfterBytes, OffsetsLog.Appending)
    {
    }

    public GroupCoordinator(BrokerOptions options, TopicRegistry topics, ILoggerFactory loggerFactory, GroupRules rules, long rewriteAfter, AppendBatch append)
    {
        (this.topics, this.rules, time) = (topics, rules, options.TimeProvider);
        logger = loggerFactory.CreateLogger<GroupCoordinator>();
        offsetsTopic = new OffsetsTopic(topics, append, Rewrite, rewriteAfter);
        Offsets = new CommittedOffsets(this, topics, rules, new GroupClock(time));
        topics.WhenDeleted(Forget);
        housekeeping = time.CreateTimer(
            static coordinator => ((GroupCoordinator)coordinator!).Housekeep(), this, options.HousekeepingInterval, options.HousekeepingInterval);
    }

    /// <summary>Commits, reads and deletes offsets.</summary>
    public CommittedOffsets Offsets { get; }

    public IEnumerable<Group> All => groups.Values;

    /// <summary>Reads back what the log holds. Before the first request, after the topics are known.</summary>
    /// <exception cref="IOException">The log cannot be read.</exception>
    public void Start()
    {
        long records = 0;
        foreach (var log in offsetsTopic.Existing)
        {
            var replay = new GroupReplay(logger);
            records += replay.Read(log.Partition);
            foreach (var (id, (record, offsets)) in replay.Found)
            {
                var group = groups[id] = NewGroup(id, log, offsets);
                foreach (var producerId in offsets.PendingProducers)
                    log.Hold(producerId, group);
                lock (group.Guard)
                    group.Load(record);
            }
        }
        // Deleted by a process that died before it could tell the groups.
        foreach (var topic in groups.Values.SelectMany(static group => group.Offsets.Keys).Select(static key => key.Topic).Distinct().ToList())
        {
            if (!topics.TryGet(topic, out _))
                Forget(topic);
        }
        if (records > 0)
            logger.GroupsLoaded(groups.Count, records);
    }

    /// <summary>The partition of __consumer_offsets that holds a group; a transaction that commits the group's offsets includes it.</summary>
    /// <exception cref="IOException">The topic is not there and cannot be created.</exception>
    public PartitionLog OffsetsLogOf(string groupId) => offsetsTopic.For(groupId).Partition;

    /// <summary>Called after the marker of a transaction was appended to an offsets partition: its pending offsets become current, or go.</summary>
    public void TransactionEnded(PartitionLog offsetsLog, long producerId, bool committed) => offsetsTopic.For(offsetsLog).TransactionEnded(producerId, committed);

    public Task<JoinGroupResponse> JoinAsync(JoinGroupRequest request, JoiningClient client)
    {
        var refused = request.GroupId.Length == 0 ? ErrorCode.InvalidGroupId
            : request.SessionTimeoutMs < rules.MinSessionTimeoutMs || request.SessionTimeoutMs > rules.MaxSessionTimeoutMs ? ErrorCode.InvalidSessionTimeout
            : ErrorCode.None;
        if (refused != ErrorCode.None)
            return Task.FromResult(new JoinGroupResponse(refused, request.MemberId));
        return With(
            request.GroupId,
            create: request.MemberId.Length == 0,
            group => group.Members.Join(request, client),
            () => Task.FromResult(new JoinGroupResponse(ErrorCode.UnknownMemberId, request.MemberId)));
    }

    public Task<SyncGroupResponse> SyncAsync(SyncGroupRequest request) => request.GroupId.Length == 0
        ? Task.FromResult(new SyncGroupResponse(ErrorCode.InvalidGroupId))
        : With(request.GroupId, create: false, group => group.Members.Sync(request), static () => Task.FromResult(new SyncGroupResponse(ErrorCode.UnknownMemberId)));

    public ErrorCode Heartbeat(HeartbeatRequest request) => request.GroupId.Length == 0
        ? ErrorCode.InvalidGroupId
        : With(request.GroupId, create: false, group => group.Members.Heartbeat(request), static () => ErrorCode.UnknownMemberId);

    public LeaveGroupResponse Leave(LeaveGroupRequest request) => request.GroupId.Length == 0
        ? new(ErrorCode.InvalidGroupId, [])
        : With(
            request.GroupId,
            create: false,
            group => new LeaveGroupResponse(ErrorCode.None, group.Members.Leave(request.Members)),
            () => new(ErrorCode.None, [.. request.Members.Select(static member => new LeftMember(member.MemberId, member.InstanceId, ErrorCode.UnknownMemberId))]));

    public List<ListedGroup> List() => [.. groups.Values.Select(static group =>
    {
        lock (group.Guard)
        {
            if (group.IsDead)
                return null;
            group.CatchUp();
            return group.Members.List();
        }
    }).OfType<ListedGroup>()];

    /// <summary>Null: there is no such group.</summary>
    public DescribedGroup? Describe(string groupId) => With<DescribedGroup?>(groupId, create: false, static group => group.Members.Describe(), static () => null);

    /// <summary>Deletes a group without members, and its offsets.</summary>
    public async ValueTask<ErrorCode> DeleteAsync(string groupId)
    {
        var (error, append) = With<(ErrorCode, Task<AppendResult>)>(
            groupId,
            create: false,
            group => group.Members.IsEmpty ? (ErrorCode.None, Remove(group, "an operator asked for it")) : (ErrorCode.NonEmptyGroup, OffsetsLog.Nothing),
            static () => (ErrorCode.GroupIdNotFound, OffsetsLog.Nothing));
        return error != ErrorCode.None ? error : OffsetsLog.ToClient((await append.ConfigureAwait(false)).Error);
    }

    /// <summary>Does something with a group under its lock, then what follows from it: saves and the timer.</summary>
    /// <param name="groupId">Which group.</param>
    /// <param name="create">Where it is not there.</param>
    /// <param name="action">Must not wait for anything.</param>
    /// <param name="missing">The answer where there is no such group.</param>
    public T With<T>(string groupId, bool create, Func<Group, T> action, Func<T> missing)
    {
        while (true)
        {
            if (!groups.TryGetValue(groupId, out var group))
            {
                if (!create)
                    return missing();
                group = groups.GetOrAdd(groupId, id => NewGroup(id, offsetsTopic.For(id), new()));
            }
            lock (group.Guard)
            {
                if (group.IsDead)
                    continue; // It was deleted in between.
                group.CatchUp();
                var result = action(group);
                group.Settle();
                return result;
            }
        }
    }

    /// <summary>Lets old offsets go, and groups that have nothing left.</summary>
    public void Housekeep()
    {
        foreach (var group in groups.Values)
        {
            try
            {
                lock (group.Guard)
                    Expire(group);
            }
            catch (Exception e) // The boundary of a timer: an exception would end the process. And the groups behind are none the worse.
            {
                logger.GroupsFailed(e);
            }
        }
    }

    public void Dispose()
    {
        housekeeping.Dispose();
        foreach (var group in groups.Values)
            group.Dispose();
    }

    private Group NewGroup(string id, OffsetsLog log, GroupOffsets offsets) => new(id, log, rules, time, logger, offsets);

    private void Expire(Group group)
    {
        if (group.IsDead)
            return;
        group.CatchUp();
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var expired = group.Offsets.Committed
            .Where(entry => group.Members.Expires(entry.Key.Topic, entry.Value) is { } at && at <= now && !group.Offsets.IsPending(entry.Key))
            .Select(static entry => entry.Key)
            .ToList();
        if (expired.Count > 0)
            logger.OffsetsExpired(group.Id, expired.Count);
        if (group.Members is { IsEmpty: true, HasExpected: false } && !group.Offsets.HasPending && expired.Count == group.Offsets.Count)
            _ = Remove(group, "nothing is left of it");
        else
            _ = group.RemoveOffsets(expired);
    }

    /// <summary>Under the group's lock.</summary>
    private Task<AppendResult> Remove(Group group, string reason)
    {
        var append = group.RemoveOffsets([.. group.Offsets.Keys], andGroup: true);
        if (OffsetsLog.Failed(append))
            return append;
        group.Die();
        groups.TryRemove(KeyValuePair.Create(group.Id, group));
        logger.GroupDeleted(group.Id, reason);
        return append;
    }

    private void Forget(Topic topic) => Forget(topic.Name);

    private void Forget(string topic)
    {
        foreach (var group in groups.Values)
        {
            lock (group.Guard)
            {
                if (!group.IsDead)
                    _ = group.RemoveOffsets([.. group.Offsets.Keys.Where(key => key.Topic == topic)]);
            }
        }
    }

    private void Rewrite(OffsetsLog log) => ThreadPool.QueueUserWorkItem(
        static state =>
        {
            try
            {
                state.log.Rewrite(state.coordinator.groups.Values);
            }
            catch (Exception e) // The boundary of a thread pool's item: an exception would end the process.
            {
                state.coordinator.logger.GroupsFailed(e);
            }
        },
        (coordinator: this, log),
        preferLocal: false);
}
