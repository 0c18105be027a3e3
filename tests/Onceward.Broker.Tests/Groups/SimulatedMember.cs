using System.Globalization;
using System.Text;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Tests.Groups;

/// <summary>A consumer as clients behave: it joins, leads or follows, sends heartbeats, commits, and joins again where it is told to. One request at a time.</summary>
internal sealed class SimulatedMember(TestGroups test, GroupModel model, Random random, string? instance, short version)
{
    private Task<JoinGroupResponse>? joining;
    private Task<SyncGroupResponse>? syncing;
    private JoinGroupResponse? joined;
    private int metadata;

    /// <summary>Empty: the group knows it by none.</summary>
    public string Id { get; private set; } = "";

    public int Generation { get; private set; } = -1;

    public IReadOnlyList<int> Owned { get; private set; } = [];

    public bool IsStable { get; private set; }

    /// <summary>Another has its name: it never comes back.</summary>
    public bool IsFenced { get; private set; }

    public string? Instance => instance;

    public bool Waits => joining is not null || syncing is not null;

    /// <summary>Its connection is gone, or it waited too long: whatever was asked for is asked for again.</summary>
    public void Disconnect() => (joining, syncing) = (null, null);

    /// <summary>Does the next thing that a healthy client does.</summary>
    public void Step()
    {
        if (IsFenced)
            return;
        if (joining is not null)
            TakeJoin();
        else if (syncing is not null)
            TakeSync();
        else if (joined is not null)
            Sync(joined);
        else if (!IsStable)
            joining = model.Watch(test.Join(Id, instance, version, metadata: metadata.ToString(CultureInfo.InvariantCulture)));
        else
            Heed(test.Beat(Id, Generation, instance));
    }

    /// <summary>It wants other topics from now on, so it joins again.</summary>
    public void Resubscribe()
    {
        if (IsFenced || !IsStable)
            return;
        metadata++;
        Rejoin();
    }

    /// <summary>With what it believes, which may be long over.</summary>
    public void Commit(long offset)
    {
        if (Generation < 0 || IsFenced)
            return;
        var commit = model.Watch(test.CommitAsync(Id, Generation, offset, instance), Id, Generation, offset);
        if (commit.IsCompleted && IsStable)
            Heed(commit.Now());
    }

    public void Leave()
    {
        if (Id.Length > 0 && !IsFenced)
            test.Leave(Id);
        Forget();
        Disconnect();
    }

    private void TakeJoin()
    {
        if (!joining!.IsCompleted)
            return;
        var answer = joining.Now();
        joining = null;
        switch (answer.Error)
        {
            case ErrorCode.None:
                (Id, Generation, joined, IsStable, Owned) = (answer.MemberId, answer.Generation, answer, false, []);
                break;
            case ErrorCode.MemberIdRequired:
                Id = answer.MemberId;
                break;
            default:
                Heed(answer.Error);
                break;
        }
    }

    private void Sync(JoinGroupResponse generation)
    {
        var leads = generation.Leader == Id && !generation.SkipAssignment && generation.Members.Count > 0;
        syncing = model.Watch(test.Sync(Id, generation.Generation, instance, leads ? Assign(generation.Members) : []), Id, instance, generation.Generation);
    }

    /// <remarks>Never twice the same: a leader that is asked again for the same generation may say something else.</remarks>
    private (string Member, string Assignment)[] Assign(List<JoinedMember> members)
    {
        var turn = random.Next(members.Count);
        return
        [
            .. members.Select((member, rank) => (
                member.MemberId,
                string.Join(',', Enumerable.Range(0, TestGroups.Partitions).Where(partition => (partition + turn) % members.Count == rank)))),
        ];
    }

    private void TakeSync()
    {
        if (!syncing!.IsCompleted)
            return;
        var answer = syncing.Now();
        syncing = null;
        if (answer.Error != ErrorCode.None)
        {
            Heed(answer.Error);
            return;
        }
        var assignment = Encoding.UTF8.GetString(answer.Assignment);
        Owned = [.. assignment.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
        (IsStable, joined) = (true, null);
    }

    private void Heed(ErrorCode error)
    {
        switch (error)
        {
            case ErrorCode.None:
                break;
            case ErrorCode.RebalanceInProgress or ErrorCode.NotCoordinator:
                Rejoin();
                break;
            case ErrorCode.IllegalGeneration or ErrorCode.UnknownMemberId:
                Forget();
                break;
            case ErrorCode.FencedInstanceId:
                (IsFenced, IsStable) = (true, false);
                break;
            default:
                throw new InvalidOperationException($"A member that keeps the rules was told {error}.");
        }
    }

    private void Rejoin() => (IsStable, joined) = (false, null);

    private void Forget() => (Id, Generation, IsStable, joined, Owned) = ("", -1, false, null, []);
}
