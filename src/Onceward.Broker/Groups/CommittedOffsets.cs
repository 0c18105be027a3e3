using Onceward.Broker.Log;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;
using Onceward.Broker.Topics;

namespace Onceward.Broker.Groups;

/// <summary>Who commits what.</summary>
/// <param name="GroupId">May be empty for plain commits: the group of those who name none.</param>
/// <param name="Generation">-1: of no generation.</param>
/// <param name="MemberId">Empty: of no member.</param>
/// <param name="InstanceId">Of a static member.</param>
/// <param name="Topics">The offsets.</param>
/// <param name="RetentionMs">How long old clients want them kept; -1: as the broker's settings say.</param>
/// <param name="ProducerId">Whose transaction it belongs to; -1: none.</param>
/// <param name="ProducerEpoch">With the producer.</param>
internal sealed record OffsetsCommit(
    string GroupId,
    int Generation,
    string MemberId,
    string? InstanceId,
    List<CommitTopic> Topics,
    long RetentionMs = -1,
    long ProducerId = -1,
    short ProducerEpoch = -1)
{
    public bool IsTransactional => ProducerId >= 0;
}

/// <summary>Commits, reads and deletes the offsets of groups.</summary>
/// <remarks>
/// <para>Guarantee: a commit is in the log, as safe as the flush policy says, before it is answered. Those of a transaction count when its
/// marker says so. Each partition has an answer of its own.</para>
/// <para>Order: commits of one group count in the order in which they came.</para>
/// <para>Crash: an unanswered commit may have been stored or not.</para>
/// </remarks>
internal sealed class CommittedOffsets(GroupCoordinator coordinator, TopicRegistry topics, GroupRules rules, GroupClock clock)
{
    /// <param name="commit">What to store.</param>
    /// <param name="whenMissing">The error of a member whose group is not there.</param>
    public async ValueTask<List<CommittedTopic>> CommitAsync(OffsetsCommit commit, ErrorCode whenMissing)
    {
        var checkedTopics = commit.Topics
            .Select(topic => (topic.Name, Partitions: topic.Partitions.Select(partition => (partition, Error: Check(topic.Name, partition))).ToList()))
            .ToList();
        var accepted = checkedTopics
            .SelectMany(static topic => topic.Partitions.Where(static checked_ => checked_.Error == ErrorCode.None), static (topic, entry) => (topic.Name, entry.partition))
            .ToList();
        var error = checkedTopics.TrueForAll(static topic => topic.Partitions.TrueForAll(static entry => entry.Error == ErrorCode.UnknownTopicOrPartition))
            ? ErrorCode.None
            : await StoreAsync(commit, accepted, whenMissing).ConfigureAwait(false);
        return [.. checkedTopics.Select(topic => new CommittedTopic(topic.Name, [.. topic.Partitions.Select(entry =>
            (entry.partition.Partition, entry.Error == ErrorCode.UnknownTopicOrPartition || error == ErrorCode.None ? entry.Error : error))]))];
    }

    public FetchedGroup Fetch(OffsetFetchGroup asked, bool requireStable) => coordinator.With(
        asked.GroupId,
        create: false,
        group => new FetchedGroup(asked.GroupId, ErrorCode.None, [.. (asked.Topics ?? AllOf(group)).Select(topic =>
            new FetchedTopic(topic.Name, [.. topic.Partitions.Select(partition => Fetch(group, new(topic.Name, partition), requireStable))]))]),
        () => new(asked.GroupId, ErrorCode.None, [.. (asked.Topics ?? []).Select(static topic =>
            new FetchedTopic(topic.Name, [.. topic.Partitions.Select(static partition => FetchedOffset.None(partition))]))]));

    public async ValueTask<OffsetDeleteResponse> DeleteAsync(OffsetDeleteRequest request)
    {
        var known = request.Topics.SelectMany(static topic => topic.Partitions, static (topic, partition) => new OffsetKey(topic.Name, partition)).Where(Exists).ToHashSet();
        var (error, used, append) = coordinator.With(
            request.GroupId,
            create: false,
            group => Delete(group, known),
            static () => (ErrorCode.GroupIdNotFound, [], OffsetsLog.Nothing));
        if (error == ErrorCode.None)
            error = OffsetsLog.ToClient((await append.ConfigureAwait(false)).Error);
        if (error != ErrorCode.None)
            return new(error, []);
        return new(ErrorCode.None, [.. request.Topics.Select(topic => new CommittedTopic(topic.Name, [.. topic.Partitions.Select(partition => (
            partition,
            !known.Contains(new(topic.Name, partition)) ? ErrorCode.UnknownTopicOrPartition
                : used.Contains(topic.Name) ? ErrorCode.GroupSubscribedToTopic : ErrorCode.None))]))]);
    }

    private static List<OffsetFetchTopic> AllOf(Group group) =>
        [.. group.Offsets.Committed.GroupBy(static entry => entry.Key.Topic, static entry => entry.Key.Partition).Select(static topic => new OffsetFetchTopic(topic.Key, [.. topic]))];

    private static FetchedOffset Fetch(Group group, OffsetKey key, bool requireStable)
    {
        if (requireStable && group.Offsets.IsPending(key))
            return FetchedOffset.None(key.Partition, ErrorCode.UnstableOffsetCommit);
        return group.Offsets.TryGet(key, out var stored)
            ? new(key.Partition, stored.Offset, stored.LeaderEpoch, stored.Metadata, ErrorCode.None)
            : FetchedOffset.None(key.Partition);
    }

    private static (ErrorCode Error, HashSet<string> Used, Task<AppendResult> Append) Delete(Group group, HashSet<OffsetKey> keys)
    {
        if (group.Members.CheckDeleteOffsets() is not ErrorCode.None and var error)
            return (error, [], OffsetsLog.Nothing);
        var used = keys.Select(static key => key.Topic).Distinct().Where(group.Members.IsSubscribedTo).ToHashSet();
        var stored = group.Offsets.Keys.Where(key => keys.Contains(key) && !used.Contains(key.Topic)).ToList();
        return (ErrorCode.None, used, group.RemoveOffsets(stored));
    }

    private bool Exists(OffsetKey key) => topics.TryGet(key.Topic, out var topic) && topic.Partition(key.Partition) is not null;

    private ErrorCode Check(string topic, CommitPartition partition) =>
        !Exists(new(topic, partition.Partition)) ? ErrorCode.UnknownTopicOrPartition
        : partition.Metadata?.Length > rules.MaxMetadataLength ? ErrorCode.OffsetMetadataTooLarge
        : ErrorCode.None;

    private async ValueTask<ErrorCode> StoreAsync(OffsetsCommit commit, List<(string Topic, CommitPartition Partition)> accepted, ErrorCode whenMissing)
    {
        var (error, append) = coordinator.With<(ErrorCode, Task<AppendResult>)>(
            commit.GroupId,
            create: commit.Generation < 0,
            group => group.Members.CheckCommit(commit.Generation, commit.MemberId, commit.InstanceId, commit.IsTransactional) is not ErrorCode.None and var refused
                ? (refused, OffsetsLog.Nothing)
                : (ErrorCode.None, Store(group, commit, accepted)),
            () => (whenMissing, OffsetsLog.Nothing));
        return error != ErrorCode.None ? error : OffsetsLog.ToClient((await append.ConfigureAwait(false)).Error);
    }

    private Task<AppendResult> Store(Group group, OffsetsCommit commit, List<(string Topic, CommitPartition Partition)> accepted)
    {
        if (accepted.Count == 0)
            return OffsetsLog.Nothing;
        var batch = new RecordBatchBuilder(clock.Wall)
        {
            ProducerId = commit.ProducerId,
            ProducerEpoch = commit.ProducerEpoch,
            IsTransactional = commit.IsTransactional,
        };
        var offsets = accepted.ConvertAll(entry => KeyValuePair.Create(new OffsetKey(entry.Topic, entry.Partition.Partition), ToStore(entry.Partition, commit)));
        foreach (var (key, stored) in offsets)
            batch.Add(GroupRecords.KeyOf(group.Id, key), GroupRecords.ValueOf(stored));
        // Before the append: whoever writes the marker of this transaction in between finds the group, and waits for its lock.
        if (commit.IsTransactional)
            group.Log.Hold(commit.ProducerId, group);
        var append = group.Log.Append(batch);
        if (OffsetsLog.Failed(append))
        {
            group.Log.Release(commit.ProducerId, group);
            return append;
        }
        foreach (var (key, stored) in offsets)
        {
            if (commit.IsTransactional)
                group.Offsets.Hold(commit.ProducerId, key, stored);
            else
                group.Offsets.Commit(key, stored);
        }
        return append;
    }

    private StoredOffset ToStore(CommitPartition partition, OffsetsCommit commit)
    {
        var now = clock.Wall;
        return new(partition.Offset, partition.LeaderEpoch, partition.Metadata ?? "", now, commit.RetentionMs >= 0 ? now + commit.RetentionMs : -1);
    }
}
