using System.Globalization;

namespace Onceward.Broker.Tests.Groups;

/// <summary>Random lives of members, and of the broker, against what must always hold of a group.</summary>
/// <remarks>ONCEWARD_SIMULATION_SEED and ONCEWARD_SIMULATION_RUNS set which and how many; a failure names its seed.</remarks>
public sealed class GroupSimulationTests(ITestOutputHelper output)
{
    private const int Steps = 150;
    private const int MostMembers = 5;
    private const int RoundsToSettle = 1500; // A second each. The longest wait is that for a new member whose client is gone: five minutes.

    [Fact]
    public async Task Whatever_members_and_broker_do_a_generation_has_one_assignment_and_whoever_asks_gets_a_place()
    {
        var first = Setting("ONCEWARD_SIMULATION_SEED", Environment.TickCount);
        var runs = Setting("ONCEWARD_SIMULATION_RUNS", 1000);
        output.WriteLine($"seeds {first} to {first + runs - 1}");
        var seen = (Generations: 0, Assignments: 0, Commits: 0);
        for (var seed = first; seed < first + runs; seed++)
        {
            try
            {
                await using var test = new TestGroups(initialDelayMs: seed % 2 * 100);
                var model = new GroupModel(test);
                Run(test, model, new Random(seed));
                seen = (seen.Generations + model.Seen.Generations, seen.Assignments + model.Seen.Assignments, seen.Commits + model.Seen.Commits);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"ONCEWARD_SIMULATION_SEED={seed} ONCEWARD_SIMULATION_RUNS=1: {e.Message}", e);
            }
        }
        output.WriteLine($"{seen.Generations} generations, {seen.Assignments} assignments, {seen.Commits} commits");
        seen.Generations.ShouldBeGreaterThan(2 * runs);
        seen.Commits.ShouldBeGreaterThan(runs);
    }

    private static void Run(TestGroups test, GroupModel model, Random random)
    {
        var members = new List<SimulatedMember>();
        var names = 0;
        test.Commit("", -1, TestGroups.FirstCommit); // A group without offsets goes when it is empty, and its generations with it.
        SimulatedMember Another(string? instance) => new(test, model, instance, (short)random.Next(3, 10));
        for (var step = 0; step < Steps; step++)
        {
            var member = members.Count > 0 ? members[random.Next(members.Count)] : null;
            switch (random.Next(100))
            {
                case < 6 when members.Count < MostMembers:
                    members.Add(Another(random.Next(2) == 0 ? $"static-{names++}" : null));
                    break;
                case < 8 when member is not null: // It dies without a word, or starts again under its name while its former self lives on.
                    if (member.Instance is not null && members.Count <= MostMembers)
                        members.Add(Another(member.Instance));
                    if (random.Next(2) == 0)
                        members.Remove(member);
                    break;
                case < 10 when member is not null:
                    member.Leave();
                    members.Remove(member);
                    break;
                case < 13:
                    member?.Resubscribe();
                    break;
                case < 15:
                    test.Restart();
                    members.ForEach(static alive => alive.Disconnect());
                    break;
                case < 17:
                    test.Pass(random.Next(1, 30)); // A pause in which nobody is heard of.
                    break;
                case < 35:
                    test.Pass(random.NextDouble() * 2);
                    break;
                case < 50:
                    member?.Commit(step);
                    break;
                default:
                    member?.Step();
                    break;
            }
            model.Observe();
        }
        Settle(test, members);
        test.Committed.ShouldBe(model.LastCommitted, "a commit was lost, or one was taken that was refused");
    }

    /// <summary>When nothing goes wrong any more, everybody soon has a share, and all is shared.</summary>
    private static void Settle(TestGroups test, List<SimulatedMember> members)
    {
        for (var round = 0; round < RoundsToSettle && !IsSettled(members); round++)
        {
            foreach (var member in members)
                member.Step();
            test.Pass(1);
        }
        var alive = members.Where(static member => !member.IsFenced).ToList();
        alive.ShouldAllBe(member => member.IsStable, "a member that keeps asking gets no place");
        members.ShouldAllBe(member => member.IsFenced || !member.Waits, "an answer never came");
        if (alive.Count == 0)
            return;
        alive.Select(static member => member.Generation).Distinct().Count().ShouldBe(1);
        alive.SelectMany(static member => member.Owned).Order().ShouldBe(Enumerable.Range(0, TestGroups.Partitions), "each partition has one owner");
    }

    private static bool IsSettled(List<SimulatedMember> members)
    {
        var alive = members.Where(static member => !member.IsFenced).ToList();
        return alive.TrueForAll(static member => member is { IsStable: true, Waits: false })
            && alive.Select(static member => member.Generation).Distinct().Count() <= 1
            && (alive.Count == 0 || alive.Sum(static member => member.Owned.Count) == TestGroups.Partitions);
    }

    private static int Setting(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;
}
