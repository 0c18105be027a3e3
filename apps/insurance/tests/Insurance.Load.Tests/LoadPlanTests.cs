using Insurance.Load.Generation;

namespace Insurance.Load.Tests;

public sealed class LoadPlanTests
{
    [Fact]
    public void The_same_seed_makes_the_same_events_and_another_seed_others()
    {
        Bytes(seed: 7).ShouldBe(Bytes(seed: 7));
        Bytes(seed: 7).ShouldNotBe(Bytes(seed: 8));
    }

    [Fact]
    public void Every_policy_begins_with_its_issue_and_its_numbers_are_dense()
    {
        var events = Events(seed: 1).ToList();
        events.Count.ShouldBe(5000);
        foreach (var policy in events.GroupBy(e => e.Policy))
        {
            policy.First().Kind.ShouldBe(EventKind.Issued);
            policy.Select(e => e.Seq).ShouldBe(Enumerable.Range(0, policy.Count()));
        }
    }

    [Fact]
    public void The_mix_has_renewals_mostly_and_of_everything_else_some()
    {
        var events = Events(seed: 1).ToList();
        var later = events.Where(e => e.Seq > 0).ToList();
        later.Count(e => e.Kind is EventKind.Renewed).ShouldBeGreaterThan(later.Count / 2);
        later.ShouldContain(e => e.Kind == EventKind.Cancelled);
        later.ShouldContain(e => e.Contradiction);
        events.Count(e => e.Repetition != Repetition.None).ShouldBeInRange(events.Count / 200, events.Count / 20);
    }

    [Fact]
    public void Streams_share_the_policies_so_that_each_event_is_sent_by_one_of_them_and_in_order()
    {
        var plan = new LoadPlan(HandMadeLedger.Run, DateTimeOffset.UnixEpoch.AddYears(56), 5000, 1000, 3, seed: 1, retryPercent: 2);
        var streams = Enumerable.Range(0, plan.Streams).Select(stream => Drain(plan.Schedule(stream))).ToList();
        streams.Select(events => events.Count).ShouldBe(Enumerable.Range(0, plan.Streams).Select(plan.EventsOfStream));
        streams.Sum(events => events.Count).ShouldBe(5000);
        foreach (var events in streams)
            foreach (var policy in events.GroupBy(e => e.Policy))
                policy.Select(e => e.Seq).ShouldBe(Enumerable.Range(0, plan.EventsOfPolicy(policy.Key)));
    }

    private static List<PlannedEvent> Drain(StreamSchedule schedule)
    {
        var events = new List<PlannedEvent>();
        while (schedule.TryNext(out var planned))
            events.Add(planned);
        return events;
    }

    private static IEnumerable<PlannedEvent> Events(ulong seed)
    {
        var plan = new LoadPlan(HandMadeLedger.Run, DateTimeOffset.UnixEpoch.AddYears(56), 5000, 1000, 1, seed, retryPercent: 2);
        var life = Enumerable.Range(0, plan.Policies).Select(policy => new PolicyLife(plan, policy));
        foreach (var policy in life)
            for (var position = 0; !policy.IsOver; position++)
                yield return policy.Next(position);
    }

    private static byte[] Bytes(ulong seed) => [.. Events(seed).SelectMany(e => Google.Protobuf.MessageExtensions.ToByteArray(e.Request))];
}
