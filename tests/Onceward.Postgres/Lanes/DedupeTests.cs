using Onceward.Ledger;

namespace Onceward.Postgres.Lanes;

public sealed class DedupeTests
{
    [Fact]
    public async Task The_second_of_two_with_one_id_is_dropped_within_a_batch_and_across_batches_and_partitions()
    {
        await using var lane = await TestLane.CreateAsync(dedupeBy: IdOf);
        lane.Claim(0, "1:a", "2:b", "1:a again");
        await lane.DrainAsync();
        lane.Claim(1, "2:b again", "3:c");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:1:a", "1:2:b"]);
        (await lane.EffectsAsync(1)).ShouldBe(["1:3:c"]);
        (await lane.NextOffsetAsync(0)).ShouldBe(3);
    }

    [Fact]
    public async Task A_message_without_an_id_is_never_a_repetition()
    {
        await using var lane = await TestLane.CreateAsync(dedupeBy: IdOf);
        lane.Claim(0, "x", "x");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:x", "1:x"]);
    }

    [Fact]
    public async Task An_id_whose_record_was_rolled_back_is_not_remembered()
    {
        var fails = true;
        await using var lane = await TestLane.CreateAsync(dedupeBy: IdOf, attempts: 5, script: new Script
        {
            Each = (value, context, _) =>
            {
                context.StageEffect(value);
                return fails && value == "1:a" ? throw new InvalidOperationException() : ValueTask.CompletedTask;
            },
        });
        lane.ClaimKeyed(0, "0:z", "1:a", "1:a again");
        await lane.StepAsync();
        (await lane.Database.ColumnAsync<string>("SELECT event_id FROM onceward.seen_event")).ShouldBe(["0"]);
        fails = false;
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:0:z", "1:1:a"]);
    }

    [Fact]
    public async Task An_id_whose_record_became_a_dead_letter_lets_its_repetition_through()
    {
        await using var lane = await TestLane.CreateAsync(dedupeBy: IdOf, attempts: 1, script: new Script
        {
            Each = (value, context, _) =>
            {
                context.StageEffect(value);
                return value == "1:bad" ? throw new InvalidOperationException() : ValueTask.CompletedTask;
            },
        });
        lane.Claim(0, "1:bad", "1:good");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["1:1:good"]);
        (await lane.DeadLettersAsync()).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_batch_of_nothing_but_repetitions_moves_the_position_and_calls_nobody()
    {
        await using var lane = await TestLane.CreateAsync(dedupeBy: IdOf, setBased: true);
        lane.Claim(0, "1:a");
        await lane.DrainAsync();
        lane.Script.Calls.Clear();
        lane.Claim(1, "1:a", "1:a");
        await lane.DrainAsync();
        lane.Script.Calls.ShouldBeEmpty();
        (await lane.NextOffsetAsync(1)).ShouldBe(2);
    }

    [Fact]
    public async Task Old_ids_are_forgotten_in_small_batches_and_younger_ones_and_those_of_others_are_not()
    {
        await using var lane = await TestLane.CreateAsync(dedupeBy: IdOf);
        var scope = lane.Subscription.Id;
        await lane.Database.ExecuteAsync($"""
            INSERT INTO onceward.seen_event (scope, event_id, at) SELECT {scope}, 'old-' || i, now() - interval '8 days' FROM generate_series(1, 25) i;
            INSERT INTO onceward.seen_event (scope, event_id, at) VALUES ({scope}, 'young', now() - interval '6 days'), ({scope + 1}, 'of another', now() - interval '8 days')
            """);
        int[] pruned = [await PruneAsync(lane), await PruneAsync(lane), await PruneAsync(lane), await PruneAsync(lane)];
        pruned.ShouldBe([10, 10, 5, 0]);
        (await lane.Database.ColumnAsync<string>("SELECT event_id FROM onceward.seen_event ORDER BY event_id")).ShouldBe(["of another", "young"]);
    }

    [Fact]
    public async Task Who_prunes_passes_over_what_another_one_prunes()
    {
        await using var lane = await TestLane.CreateAsync(dedupeBy: IdOf);
        await lane.Database.ExecuteAsync($"INSERT INTO onceward.seen_event (scope, event_id, at) SELECT {lane.Subscription.Id}, 'old-' || i, now() - interval '8 days' FROM generate_series(1, 5) i");
        await using var connection = await lane.Database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var hold = new Npgsql.NpgsqlCommand("SELECT FROM onceward.seen_event WHERE event_id = 'old-3' FOR UPDATE", connection, transaction))
            await hold.ExecuteNonQueryAsync();
        (await PruneAsync(lane)).ShouldBe(4);
    }

    private static Task<int> PruneAsync(TestLane lane) => SeenEvents.PruneAsync(lane.Database.Source, [lane.Subscription.Id], TimeSpan.FromDays(7), 10, default);

    private static string? IdOf(string message) => message.IndexOf(':') is >= 0 and var end ? message[..end] : null;
}
