using System.Globalization;

namespace Onceward.Broker.Tests.Groups;

/// <summary>Random lives of members, and of the broker, against what must always hold of a group.</summary>
/// <remarks>ONCEWARD_SIMULATION_SEED and ONCEWARD_SIMULATION_RUNS set which and how many; a failure names its seed.</remarks>
public sealed class GroupSimulationTests(ITestOutputHelper output)
{
    private const int Steps = 300;
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
                await using var test = new TestGroups(initialDelayMs: (seed & 1) * 100);
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
        test.Disk.IsSlow = random.Next(2) == 0;
        for (var step = 0; step < Steps; step++)
        {
            var member = members.Count > 0 ? members[random.Next(members.Count)] : null;
            switch (random.Next(100))
            {
                case < 6 when members.Count < MostMembers:
                    members.Add(New(random.Next(2) == 0 ? $"static-{names++}" : null));
                    break;
                case < 8 when member is not null: // It dies without a word, or starts again under its name while its former self lives on.
                    if (member.Instance is not null && members.Count <= MostMembers)
                        members.Add(New(member.Instance));
                    if (random.Next(2) == 0)
                        members.Remove(member);
                    break;
                case < 10 when member is not null:
                    member.Leave();
                    members.Remove(member);
                    break;
                case < 12:
                    member?.Disconnect();
                    break;
                case < 15:
                    member?.Resubscribe();
                    break;
                case < 17 when !test.Disk.IsBroken:
                case < 30 when test.Disk.IsBroken:
                    Restart(test, model, members, random);
                    break;
                case < 18:
                    test.Disk.Break();
                    break;
                case < 20:
                    test.Pass(random.Next(1, 30)); // A pause in which nobody is heard of.
                    break;
                case < 35:
                    test.Pass(random.NextDouble() * 2);
                    break;
                case < 45:
                    test.Disk.Flush(1);
                    break;
                case < 55:
                    member?.Commit(TestGroups.FirstCommit + 1 + step);
                    break;
                default:
                    for (var more = random.Next(1, 4); more > 0 && members.Count > 0; more--)
                    {
                        members[random.Next(members.Count)].Step();
                        model.Observe();
                    }
                    break;
            }
            model.Observe();
        }
        if (test.Disk.IsBroken)
            Restart(test, model, members, random);
        Settle(test, model, members);

        SimulatedMember New(string? instance) => new(test, model, random, instance, (short)random.Next(3, 10));
    }

    private static void Restart(TestGroups test, GroupModel model, List<SimulatedMember> members, Random random)
    {
        test.Restart(random);
        members.ForEach(static alive => alive.Disconnect());
        model.Restarted();
    }

    /// <summary>When nothing goes wrong any more, everybody soon has a share, and all is shared.</summary>
    private static void Settle(TestGroups test, GroupModel model, List<SimulatedMember> members)
    {
        test.Disk.IsSlow = false;
        test.Disk.Flush();
        model.Observe();
        for (var round = 0; round < RoundsToSettle && !IsSettled(model, members); round++)
        {
            foreach (var member in members)
            {
                member.Step();
                model.Observe();
            }
            test.Pass(1);
            model.Observe();
        }
        model.AllAnswered.ShouldBeTrue("an answer never came");
        var alive = members.Where(static member => !member.IsFenced).ToList();
        alive.ShouldAllBe(member => member.IsStable, "a member that keeps asking gets no place");
        if (alive.Count == 0)
            return;
        alive.Select(static member => member.Generation).Distinct().Count().ShouldBe(1);
        alive.SelectMany(static member => member.Owned).Order().ShouldBe(Enumerable.Range(0, TestGroups.Partitions), "each partition has one owner");
    }

    private static bool IsSettled(GroupModel model, List<SimulatedMember> members)
    {
        var alive = members.Where(static member => !member.IsFenced).ToList();
        return model.AllAnswered
            && alive.TrueForAll(static member => member is { IsStable: true, Waits: false })
            && alive.Select(static member => member.Generation).Distinct().Count() <= 1
            // One that does not know yet that its place was taken has what its successor has, while another's session has still to end.
            && (alive.Count == 0 || alive.SelectMany(static member => member.Owned).Order().SequenceEqual(Enumerable.Range(0, TestGroups.Partitions)));
    }

    private static int Setting(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;
}
