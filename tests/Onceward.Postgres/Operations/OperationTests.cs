using System.Text;
using Onceward.Diagnostics;

namespace Onceward.Postgres.Operations;

public sealed class OperationTests
{
    private static readonly Intervention s_do = new("ann");
    private static readonly Intervention s_dry = new("ann", DryRun: true);
    private static readonly Intervention s_force = new("ann", Force: true);
    private static readonly SetAsideFilter s_k = new() { Worker = "worker", Key = "k"u8.ToArray() };

    private readonly HashSet<string> _fails = [];

    private Script Picky => new()
    {
        Each = async (value, context, _) =>
        {
            await context.ExecuteEffectAsync(value);
            if (_fails.Contains(value))
                throw new InvalidOperationException(value);
        },
    };

    [Fact]
    public async Task A_held_key_that_a_person_retries_is_applied_in_order()
    {
        _fails.Add("k:1");
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 2, retry: r => r.HoldKey());
        lane.ClaimKeyed(0, "k:1", "k:2");
        await lane.DrainAsync();
        var keys = new ParkedKeys(lane.Database.Source);
        var listed = (await keys.ListAsync(s_k)).ShouldHaveSingleItem();
        (listed.State, listed.Records, listed.Attempts, listed.Reason, listed.Topic).ShouldBe(("held", 2, 2, "InvalidOperationException", TestLane.Topic));
        (await keys.RecordsAsync(s_k)).Select(r => r.Offset).ShouldBe([0, 1]);
        _fails.Clear();
        (await keys.RetryAsync(s_k, s_dry)).ShouldHaveSingleItem().Verdict.ShouldBe(Verdict.Applies);
        (await lane.RedriveAsync()).ShouldBeFalse("it was a dry run");
        (await lane.OpenIncidentsAsync()).ShouldBe(["key_held"]);
        (await keys.RetryAsync(s_k, s_do)).ShouldHaveSingleItem().Verdict.ShouldBe(Verdict.Applies);
        (await lane.OpenIncidentsAsync()).ShouldBeEmpty("a person has decided");
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:0", "0:1"]);
        (await keys.ListAsync(s_k)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_record_behind_the_head_that_a_person_discards_leaves_its_key_held()
    {
        _fails.Add("k:1");
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 2, retry: r => r.HoldKey());
        lane.ClaimKeyed(0, "k:1", "k:2", "k:3");
        await lane.DrainAsync();
        (await new ParkedKeys(lane.Database.Source).DiscardAsync(s_k with { Partition = 0, Offset = 1 }, s_do)).ShouldHaveSingleItem().Position.ShouldBe("0@1");
        (await lane.ParkedKeysAsync()).ShouldBe(["k held 2"]);
        (await lane.OpenIncidentsAsync()).ShouldBe(["key_held"]);
    }

    [Fact]
    public async Task A_head_that_a_person_discards_is_never_applied_and_its_key_goes_on()
    {
        _fails.Add("k:1");
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 2, retry: r => r.HoldKey());
        lane.ClaimKeyed(0, "k:1", "k:2", "k:3");
        await lane.DrainAsync();
        (await lane.OpenIncidentsAsync()).ShouldBe(["key_held"]);
        (await new ParkedKeys(lane.Database.Source).DiscardAsync(s_k, s_do)).ShouldHaveSingleItem().Position.ShouldBe("0@0");
        (await lane.OpenIncidentsAsync()).ShouldBeEmpty();
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:1", "0:2"]);
        var letters = new DeadLetters(lane.Database.Source);
        var letter = (await letters.ListAsync(s_k)).ShouldHaveSingleItem();
        (letter.State, letter.Offset, Encoding.UTF8.GetString(letter.Value!)).ShouldBe(("discarded", 0, "k:1"));
        (await letters.HistoryAsync(letter.Id)).ShouldHaveSingleItem().ShouldEndWith("discarded by ann");
    }

    [Fact]
    public async Task The_last_record_of_a_key_that_is_discarded_sets_the_key_free()
    {
        _fails.Add("k:1");
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 9);
        var claim = lane.ClaimKeyed(0, "k:1");
        await lane.DrainBatchesAsync();
        await new ParkedKeys(lane.Database.Source).DiscardAsync(s_k with { Partition = 0, Offset = 0 }, s_do);
        (await lane.ParkedKeysAsync()).ShouldBeEmpty();
        TestLane.AddKeyed(claim, "k:2");
        await lane.DrainBatchesAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:1"]);
    }

    [Fact]
    public async Task A_record_that_a_person_edits_is_applied_as_edited_and_what_came_from_Kafka_is_kept()
    {
        _fails.Add("k:wrong");
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 9);
        lane.ClaimKeyed(0, "k:wrong", "k:2");
        await lane.DrainBatchesAsync();
        var keys = new ParkedKeys(lane.Database.Source);
        await Should.ThrowAsync<OncewardException>(() => keys.EditAsync(s_k, "x"u8.ToArray(), s_do));
        (await keys.EditAsync(s_k with { Partition = 0, Offset = 0 }, "k:right"u8.ToArray(), s_do)).Verdict.ShouldBe(Verdict.Applies);
        (await lane.Database.ScalarAsync<string>("SELECT convert_from(original_value, 'utf8') || ' ' || edited_by FROM onceward.parked_record ORDER BY arrival LIMIT 1"))
            .ShouldBe("k:wrong ann");
        await lane.MakeDueAsync();
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:k:right", "1:k:2"]);
    }

    [Fact]
    public async Task A_dead_letter_whose_key_has_gone_on_is_sent_back_by_force_only_and_that_is_noted()
    {
        _fails.Add("k:1");
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 2);
        lane.ClaimKeyed(0, "k:1", "k:2");
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:1"]);
        _fails.Clear();
        var letters = new DeadLetters(lane.Database.Source);
        (await letters.RetryAsync(s_k, s_dry)).ShouldHaveSingleItem().Verdict.ShouldBe(Verdict.BreaksOrder);
        (await letters.RetryAsync(s_k, s_do)).ShouldHaveSingleItem().Verdict.ShouldBe(Verdict.BreaksOrder);
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:1"]);
        (await letters.RetryAsync(s_k, s_force)).ShouldHaveSingleItem().Verdict.ShouldBe(Verdict.Applies);
        (await letters.RetryAsync(s_k, s_do)).ShouldHaveSingleItem().Verdict.ShouldBe(Verdict.AlreadyParked);
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:1", "0:0"]);
        (await letters.RetryAsync(s_k, s_do)).ShouldHaveSingleItem().Verdict.ShouldBe(Verdict.AlreadyApplied);
        (await lane.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.incident WHERE kind = 'order_broken'")).ShouldBe(1);
        (await letters.HistoryAsync((await letters.ListAsync(s_k)).Single().Id)).Select(l => l.Split(' ', 3)[2]).ShouldBe(["sent back by ann", "applied by worker"]);
    }

    [Fact]
    public async Task A_dead_letter_whose_key_still_waits_goes_back_before_what_stood_behind_it()
    {
        _fails.UnionWith(["k:1", "k:2"]);
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 2);
        lane.ClaimKeyed(0, "k:1", "k:2", "k:3");
        await lane.DrainBatchesAsync();
        await lane.RedriveAsync();
        (await lane.DeadLettersAsync()).ShouldBe(["0:0 InvalidOperationException 2"]);
        (await lane.ParkedAsync()).ShouldBe(["k 0:1", "k 0:2"]);
        (await new DeadLetters(lane.Database.Source).RetryAsync(s_k, s_do)).ShouldHaveSingleItem().Verdict.ShouldBe(Verdict.Applies);
        (await lane.ParkedAsync()).ShouldBe(["k 0:0", "k 0:1", "k 0:2"]);
        _fails.Clear();
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:0", "0:1", "0:2"]);
    }

    [Fact]
    public async Task A_dead_letter_is_refused_once_something_that_stood_behind_it_was_applied_though_its_key_still_waits()
    {
        _fails.UnionWith(["k:1", "k:3"]);
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 2);
        lane.ClaimKeyed(0, "k:1", "k:2", "k:3");
        await lane.DrainBatchesAsync();
        await lane.RedriveAsync();
        await lane.RedriveAsync();
        (await lane.ParkedAsync()).ShouldBe(["k 0:2"]);
        (await new DeadLetters(lane.Database.Source).RetryAsync(s_k, s_do)).ShouldHaveSingleItem().Verdict.ShouldBe(Verdict.BreaksOrder);
        (await lane.ParkedAsync()).ShouldBe(["k 0:2"]);
    }

    [Theory]
    [InlineData("k:2", "k:3")]
    [InlineData("a:2", "k:3")]
    public async Task A_batch_that_is_under_way_when_a_letter_is_sent_back_is_redone_behind_it(string second, string third)
    {
        _fails.Add("k:1");
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 1);
        var claim = lane.ClaimKeyed(0, "k:1");
        await lane.DrainAsync();
        _fails.Clear();
        _fails.Add(third);
        // Nothing behind the letter is committed yet, and the batch that will be has applied it already.
        Verdict? verdict = null;
        TestLane.AddKeyed(claim, second, third);
        lane.Waypoints.Reached = async point =>
        {
            if (point is Waypoint.EffectsApplied && verdict is null)
                verdict = (await new DeadLetters(lane.Database.Source).RetryAsync(s_k, s_do)).Single().Verdict;
        };
        await lane.DrainBatchesAsync();
        verdict.ShouldBe(Verdict.Applies);
        (await lane.ParkedAsync()).First().ShouldBe("k 0:0");
        _fails.Clear();
        await lane.MakeDueAsync();
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).Where(e => e.Contains("k:", StringComparison.Ordinal)).Select(e => long.Parse(e.Split(':')[0])).ShouldBeInOrder();
        (await lane.EffectsAsync(0)).Count(e => e == "0:k:1").ShouldBe(1);
    }

    [Fact]
    public async Task A_discarded_letter_stays_discarded_and_an_edited_one_is_applied_as_edited()
    {
        _fails.UnionWith(["wrong", "useless"]);
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 1);
        lane.ClaimKeyed(0, "wrong", "useless", "a:1");
        await lane.DrainAsync();
        var letters = new DeadLetters(lane.Database.Source);
        var open = await letters.ListAsync(new SetAsideFilter { State = "open" });
        open.Select(l => l.Key).ShouldAllBe(k => k == null);
        (await letters.EditAsync(open[0].Id, "right"u8.ToArray(), s_do)).Verdict.ShouldBe(Verdict.Applies);
        (await letters.DiscardAsync(new SetAsideFilter { Id = open[1].Id }, s_do)).ShouldHaveSingleItem().Verdict.ShouldBe(Verdict.Applies);
        (await letters.RetryAsync(new SetAsideFilter { Worker = "worker" }, s_do)).Select(o => o.Verdict).ShouldBe([Verdict.Applies, Verdict.AlreadyDiscarded]);
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["2:a:1", "0:right"]);
        (await Should.ThrowAsync<OncewardException>(() => letters.EditAsync(999, [], s_do))).ErrorCode.ShouldBe(ErrorCodes.Operation);
    }

    [Fact]
    public async Task A_letter_that_was_sent_back_and_fails_again_is_the_same_letter_with_a_longer_history()
    {
        _fails.Add("bad");
        await using var lane = await TestLane.CreateAsync(Picky, attempts: 1, deadLetterTopic: "orders.dlq");
        lane.ClaimKeyed(0, "bad");
        await lane.DrainAsync();
        var letters = new DeadLetters(lane.Database.Source);
        (await letters.RetryAsync(new SetAsideFilter { Worker = "worker" }, s_do)).ShouldHaveSingleItem().Verdict.ShouldBe(Verdict.Applies);
        await lane.DrainAsync();
        var letter = (await letters.ListAsync(new SetAsideFilter())).ShouldHaveSingleItem();
        letter.State.ShouldBe("open");
        (await letters.HistoryAsync(letter.Id)).Count.ShouldBe(2);
        (await lane.Database.ScalarAsync<long>("SELECT count(*) FROM onceward.outbox")).ShouldBe(1, "readers of the topic have seen it");
    }
}
