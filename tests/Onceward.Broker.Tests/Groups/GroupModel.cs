using Onceward.Broker.Protocol.Messages;

namespace Onceward.Broker.Tests.Groups;

/// <summary>What must hold of everything that the members of one group are ever told, over restarts of the broker too.</summary>
internal sealed class GroupModel(TestGroups test)
{
    private readonly Dictionary<int, Dictionary<string, string>> told = []; // Assignments by generation and member, a static one by its name.
    private int newestTold;
    private int newestSaved;

    /// <summary>How much of interest was seen: a simulation in which nothing happens proves nothing.</summary>
    public (int Generations, int Assignments, int Commits) Seen { get; private set; }

    public long LastCommitted { get; private set; } = TestGroups.FirstCommit;

    /// <summary>After each step.</summary>
    public void Observe()
    {
        var saved = test.Kept?.Generation ?? 0;
        saved.ShouldBeGreaterThanOrEqualTo(newestSaved, "the generation went back");
        newestSaved = saved;
    }

    public void Joined(JoinGroupResponse answer)
    {
        answer.Generation.ShouldBeGreaterThan(0);
        answer.Members.Select(member => member.MemberId).Distinct().Count().ShouldBe(answer.Members.Count);
    }

    public void Assigned(string memberId, string? instance, int generation, string assignment)
    {
        var saved = test.Saved.ShouldNotBeNull("an assignment was told that the log does not hold");
        saved.Generation.ShouldBeGreaterThanOrEqualTo(generation, "an assignment was told before it was saved");
        if (!told.TryGetValue(generation, out var assignments))
        {
            told.Add(generation, assignments = new(StringComparer.Ordinal));
            newestTold = Math.Max(newestTold, generation); // An answer may have been on its way for long.
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

    /// <summary>A commit in the name of a generation was taken.</summary>
    public void Committed(string memberId, int generation, long offset)
    {
        generation.ShouldBeGreaterThanOrEqualTo(newestTold, $"{memberId} committed in a generation that is over");
        test.Committed.ShouldBe(offset);
        LastCommitted = offset;
        Seen = Seen with { Commits = Seen.Commits + 1 };
    }
}
