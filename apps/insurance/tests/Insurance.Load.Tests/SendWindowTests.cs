using Insurance.Contracts;
using Insurance.Load.Driving;
using Insurance.Load.Generation;

namespace Insurance.Load.Tests;

/// <summary>The order of a policy's events must survive whatever happens to the streams that carry them.</summary>
public sealed class SendWindowTests
{
    private static readonly TimeSpan s_giveUp = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private readonly SendWindow _window = new(capacity: 8, s_giveUp, s_pause);

    [Fact]
    public void The_second_event_of_a_policy_waits_until_the_first_is_settled()
    {
        Offer(policy: 1, seq: 0);
        Offer(policy: 1, seq: 1);
        Offer(policy: 2, seq: 0);
        Take().ShouldBe("1-0");
        Take().ShouldBe("2-0");
        Take().ShouldBeNull();
        Answer("1-0", Verdict.Accepted).ShouldBe(Settlement.Accepted);
        Take().ShouldBe("1-1");
    }

    [Fact]
    public void What_a_broken_stream_left_open_goes_out_before_anything_later_of_its_policy()
    {
        Offer(policy: 1, seq: 0);
        Offer(policy: 1, seq: 1);
        Take().ShouldBe("1-0");
        _window.Break(TimeSpan.Zero).ShouldBe(1);
        Take().ShouldBe("1-0");
        Take().ShouldBeNull();
    }

    [Fact]
    public void A_rejection_worth_retrying_is_sent_again_after_a_pause_and_holds_its_policy_back()
    {
        Offer(policy: 1, seq: 0);
        Offer(policy: 1, seq: 1);
        Take().ShouldBe("1-0");
        Answer("1-0", Verdict.Retry).ShouldBe(Settlement.Postponed);
        Take().ShouldBeNull();
        _window.NextDue.ShouldBe(s_pause);
        Take(s_pause).ShouldBe("1-0");
    }

    [Fact]
    public void An_event_that_is_refused_for_good_lets_the_next_one_go()
    {
        Offer(policy: 1, seq: 0);
        Offer(policy: 1, seq: 1);
        Take();
        Answer("1-0", Verdict.Refused).ShouldBe(Settlement.Refused);
        Take().ShouldBe("1-1");
    }

    [Fact]
    public void A_double_counts_once_and_is_settled_by_its_second_answer()
    {
        Offer(policy: 1, seq: 0, Repetition.Double);
        Offer(policy: 1, seq: 1);
        _window.Take(TimeSpan.Zero)!.Copies.ShouldBe(2);
        Answer("1-0", Verdict.Accepted).ShouldBe(Settlement.Accepted);
        Take().ShouldBeNull();
        Answer("1-0", Verdict.Accepted).ShouldBe(Settlement.None);
        Take().ShouldBe("1-1");
    }

    [Fact]
    public void A_client_that_lost_the_answer_sends_again_before_its_next_event()
    {
        Offer(policy: 1, seq: 0, Repetition.Again);
        Offer(policy: 1, seq: 1);
        Take();
        Answer("1-0", Verdict.Accepted).ShouldBe(Settlement.Accepted);
        Take().ShouldBe("1-0");
        Answer("1-0", Verdict.Accepted).ShouldBe(Settlement.None);
        Take().ShouldBe("1-1");
    }

    [Fact]
    public void Past_the_deadline_the_event_and_all_that_follows_in_its_policy_are_given_up()
    {
        Offer(policy: 1, seq: 0);
        Offer(policy: 1, seq: 1);
        Take();
        _window.Break(s_giveUp + s_pause).ShouldBe(0);
        Offer(policy: 1, seq: 2);
        _window.GivenUp.ShouldBe(3);
        _window.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void Events_that_wait_behind_another_count_against_the_bound()
    {
        for (var seq = 0; seq < 8; seq++)
            Offer(policy: 1, seq);
        _window.HasRoom.ShouldBeFalse();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_fails_the_first_occurrences_are_in_the_order_of_the_plan(ulong seed)
    {
        var random = SplitMix.For(seed, 0);
        var (published, acknowledged) = (new List<string>(), new HashSet<string>());
        var plan = new LoadPlan("r", DateTimeOffset.UnixEpoch.AddYears(56), events: 400, policies: 20, streams: 1, seed, retryPercent: 20);
        var schedule = plan.Schedule(0);
        var window = new SendWindow(16, TimeSpan.FromDays(1), s_pause);
        var flying = new List<string>();
        var more = schedule.TryNext(out var next);
        for (var now = TimeSpan.Zero; more || !window.IsEmpty; now += TimeSpan.FromMilliseconds(50))
        {
            for (; more && window.HasRoom; more = schedule.TryNext(out next))
                window.Offer(next!);
            while (window.Take(now) is { } flight)
                flying.AddRange(Enumerable.Repeat(flight.Event.EventId, flight.Copies));
            if (random.Chance(10))
            {
                // The stream breaks; some of what it carried was published, and nobody will say so.
                published.AddRange(flying.TakeWhile(_ => random.Chance(80)));
                flying.Clear();
                window.Break(now);
                continue;
            }

            foreach (var id in flying)
            {
                var fate = random.Below(10);
                if (fate != 0)
                    published.Add(id);
                // Published, and yet not confirmed: the worst of the three.
                var verdict = fate > 1 ? Verdict.Accepted : Verdict.Retry;
                if (window.Answer(id, verdict, now, out _) == Settlement.Accepted)
                    acknowledged.Add(id).ShouldBeTrue();
            }

            flying.Clear();
        }

        acknowledged.Count.ShouldBe(400);
        foreach (var policy in published.Distinct().GroupBy(id => id.Split('-')[1]))
            policy.Select(id => int.Parse(id.Split('-')[2])).ShouldBe(Enumerable.Range(0, policy.Count()));
    }

    private void Offer(int policy, int seq, Repetition repetition = Repetition.None) => _window.Offer(new PlannedEvent(
        policy, seq, EventKind.Renewed, Contradiction: false, repetition, Position: 0, new PublishRequest { Event = new PolicyEvent { EventId = $"{policy}-{seq}" } }));

    private string? Take(TimeSpan now = default) => _window.Take(now)?.Event.EventId;

    private Settlement Answer(string eventId, Verdict verdict) => _window.Answer(eventId, verdict, TimeSpan.Zero, out _);
}
