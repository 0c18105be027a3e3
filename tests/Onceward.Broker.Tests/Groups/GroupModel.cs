using System.Text;
using Onceward.Broker.Protocol;
using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Tests.Groups;

/// <summary>What must hold of everything that the members of one group are ever told, over restarts of the broker too.</summary>
/// <remarks>It looks at an answer in the very step in which the broker gave it, whether or not a member ever reads it.</remarks>
internal sealed class GroupModel(TestGroups test)
{
    private readonly Dictionary<int, Dictionary<string, string>> told = []; // Assignments by generation and member, a static one by its name.
    private readonly List<Question> asked = [];
    private readonly HashSet<long> refused = [];
    private int newestTold;
    private int newestJoined;
    private int newestSaved;
    private long lastTaken = TestGroups.FirstCommit;

    /// <summary>How much of interest was seen: a simulation in which nothing happens proves nothing.</summary>
    public (int Generations, int Assignments, int Commits) Seen { get; private set; }

    public bool AllAnswered => asked.Count == 0;

    public Task<JoinGroupResponse> Watch(Task<JoinGroupResponse> join)
    {
        asked.Add(new(join, () => Joined(join.Now())));
        return join;
    }

    public Task<SyncGroupResponse> Watch(Task<SyncGroupResponse> sync, string memberId, string? instance, int generation)
    {
        asked.Add(new(sync, () => Synced(sync.Now(), memberId, instance, generation)));
        return sync;
    }

    public Task<ErrorCode> Watch(Task<ErrorCode> commit, string memberId, int generation, long offset)
    {
        var newest = Math.Max(newestJoined, newestSaved);
        asked.Add(new(commit, () => Committed(commit.Now(), $"{memberId} committed in generation {generation} after {newest} had begun", generation >= newest, offset)));
        return commit;
    }

    /// <summary>After each step.</summary>
    public void Observe()
    {
        var saved = test.Disk.Group?.Generation ?? 0;
        saved.ShouldBeGreaterThanOrEqualTo(newestSaved, "the generation went back");
        newestSaved = saved;
        foreach (var question in asked.Where(static question => question.Answer.IsCompleted).ToList())
        {
            asked.Remove(question);
            question.Check();
        }
        var committed = test.Committed;
        committed.ShouldBeGreaterThanOrEqualTo(lastTaken, "a commit was lost");
        refused.ShouldNotContain(committed, "a commit was taken that was refused");
    }

    /// <summary>The broker died: whoever waited never hears of it.</summary>
    public void Restarted()
    {
        asked.Clear();
        newestJoined = newestTold; // A generation that nobody got an assignment of may come again.
        (test.Disk.Group?.Generation ?? 0).ShouldBeGreaterThanOrEqualTo(newestTold, "an assignment was told that did not survive");
        (test.Kept?.Generation ?? 0).ShouldBe(test.Disk.Group?.Generation ?? 0, "the coordinator does not read back what it wrote");
    }

    private void Joined(JoinGroupResponse answer)
    {
        if (answer.Error != ErrorCode.None)
            return;
        answer.Generation.ShouldBeGreaterThanOrEqualTo(newestTold, "a member joined a generation that is over");
        answer.Generation.ShouldBeGreaterThan(0);
        answer.Members.Select(member => member.MemberId).Distinct().Count().ShouldBe(answer.Members.Count);
        newestJoined = Math.Max(newestJoined, answer.Generation);
    }

    private void Synced(SyncGroupResponse answer, string memberId, string? instance, int generation)
    {
        if (answer.Error != ErrorCode.None)
            return;
        var assignment = Encoding.UTF8.GetString(answer.Assignment);
        var saved = test.Disk.Group.ShouldNotBeNull("an assignment was told before it was saved");
        saved.Generation.ShouldBe(generation, "an assignment was told that is not what was saved last");
        var kept = saved.Members.SingleOrDefault(member => instance is null ? member.Id == memberId : member.InstanceId == instance);
        Encoding.UTF8.GetString(kept.ShouldNotBeNull("who was told is not in what was saved").Assignment).ShouldBe(assignment, "what was told is not what was saved");
        newestTold = Math.Max(newestTold, generation);
        if (!told.TryGetValue(generation, out var assignments))
        {
            told.Add(generation, assignments = new(StringComparer.Ordinal));
            Seen = Seen with { Generations = Seen.Generations + 1 };
        }
        var name = instance ?? memberId;
        if (assignments.TryGetValue(name, out var before))
            assignment.ShouldBe(before, $"generation {generation} gives {name} two assignments");
        assignments[name] = assignment;
        var partitions = assignments.Values.SelectMany(static owned => owned.Split(',', StringSplitOptions.RemoveEmptyEntries)).ToList();
        partitions.Distinct().Count().ShouldBe(partitions.Count, $"two members own a partition in generation {generation}");
        Seen = Seen with { Assignments = Seen.Assignments + 1 };
    }

    private void Committed(ErrorCode error, string what, bool mayBeTaken, long offset)
    {
        if (error == ErrorCode.None)
        {
            mayBeTaken.ShouldBeTrue(what);
            lastTaken = offset;
            Seen = Seen with { Commits = Seen.Commits + 1 };
        }
        else if (error != ErrorCode.NotCoordinator) // That comes of a failed disk, which may hold it or not.
        {
            refused.Add(offset);
        }
    }

    private sealed record Question(Task Answer, Action Check);
}
