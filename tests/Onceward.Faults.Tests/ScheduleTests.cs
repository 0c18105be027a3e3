using Onceward.Faults.Nemesis;

namespace Onceward.Faults.Tests;

public sealed class ScheduleTests
{
    private static readonly FaultKind[] s_all = Enum.GetValues<FaultKind>();

    [Fact]
    public void A_seed_replays_its_schedule() =>
        Of(7, minutes: 10).ShouldBe(Of(7, minutes: 10));

    [Fact]
    public void Another_seed_has_another() => Of(7, minutes: 10).ShouldNotBe(Of(8, minutes: 10));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Ten_minutes_have_a_hundred_faults_and_each_kind_more_than_five_times(int seed)
    {
        var faults = Of(seed, minutes: 10);
        faults.Count.ShouldBeGreaterThan(100);
        foreach (var kind in s_all)
            faults.Count(f => f.Kind == kind).ShouldBeGreaterThan(5);
        faults.Select(f => f.At).ShouldBeInOrder();
    }

    [Fact]
    public void Kinds_are_read_by_the_names_that_they_are_written_with()
    {
        foreach (var kind in s_all)
            FaultKinds.Parse(kind.NameOf()).ShouldBe(kind);
        FaultKind.CommitReplyDropped.NameOf().ShouldBe("commit-reply-dropped");
        Should.Throw<FormatException>(() => FaultKinds.Parse("no-fault")).Message.ShouldContain("worker-kill");
    }

    private static List<PlannedFault> Of(int seed, int minutes) => Schedule.Create(seed, TimeSpan.FromMinutes(minutes), TimeSpan.FromSeconds(3.5), s_all);
}
