using Onceward.Cli;

namespace Onceward.Postgres.Operations;

/// <summary>The same from the command line.</summary>
public sealed class CommandTests
{
    [Fact]
    public async Task A_stuck_key_is_found_understood_and_set_free()
    {
        var broken = true;
        await using var lane = await BrokenAsync(() => broken, r => r.HoldKey());
        (await RunAsync(lane, "parked", "list")).ShouldSatisfyAllConditions(
            r => r.Code.ShouldBe(0), r => r.Output.ShouldContain("held"), r => r.Output.ShouldContain("InvalidOperationException"));
        (await RunAsync(lane, "parked", "show", "--key", "k")).Output.ShouldContain("0@1: k:2");
        (await RunAsync(lane, "parked", "retry", "--key", "k", "--dry-run")).Output.ShouldContain("would apply");
        broken = false;
        (await RunAsync(lane, "parked", "retry", "--key", "0x6b")).Output.ShouldContain("done");
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:0", "0:1"]);
        (await RunAsync(lane, "parked", "list")).Output.ShouldBe("Nothing is parked that matches.");
    }

    [Fact]
    public async Task A_dead_letter_that_would_break_the_order_is_refused_with_an_exit_code()
    {
        var broken = true;
        await using var lane = await BrokenAsync(() => broken);
        broken = false;
        (await RunAsync(lane, "dlq", "list")).Output.ShouldContain("0@0");
        (await RunAsync(lane, "dlq", "show", "--worker", "worker")).Output.ShouldContain("value: k:1");
        var refused = await RunAsync(lane, "dlq", "retry", "--worker", "worker");
        (refused.Code, refused.Output.Contains("would break order", StringComparison.Ordinal)).ShouldBe((ExitCodes.Refused, true));
        (await RunAsync(lane, "dlq", "retry", "--worker", "worker", "--force")).Code.ShouldBe(0);
        await lane.DrainAsync();
        (await lane.PlacesAsync()).ShouldBe(["0:1", "0:0"]);
        (await RunAsync(lane, "dlq", "retry", "--id", "1")).Output.ShouldContain("already applied");
    }

    [Fact]
    public async Task A_value_is_edited_from_a_file()
    {
        var broken = true;
        await using var lane = await BrokenAsync(() => broken, r => r.HoldKey());
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "k:edited");
            (await RunAsync(lane, "parked", "edit", "--worker", "worker", "--partition", "0", "--offset", "0", "--value-file", file)).Code.ShouldBe(0);
        }
        finally
        {
            File.Delete(file);
        }
        broken = false;
        await RunAsync(lane, "parked", "retry", "--worker", "worker");
        await lane.DrainAsync();
        (await lane.EffectsAsync(0)).ShouldBe(["0:k:edited", "1:k:2"]);
        var missing = await RunAsync(lane, "parked", "edit", "--worker", "worker", "--partition", "0", "--offset", "0", "--value-file", file);
        missing.Code.ShouldBe(ExitCodes.Unusable);
        missing.Error.ShouldContain("Nothing was changed");
    }

    [Fact]
    public async Task What_was_noted_is_listed_understood_and_settled()
    {
        await using var lane = await TestLane.CreateAsync();
        lane.Claim(0);
        await lane.Database.ExecuteAsync("""
            INSERT INTO onceward.incident (subscription_id, partition, kind, from_offset, detail)
            VALUES (1, 0, 'log_diverged', 7, '{"reason": "another\nlog", "more": 1}'), (1, NULL, 'partitions_grown', NULL, '{"from": 1, "to": 2}')
            """);
        (await RunAsync(lane, "incidents", "list")).Output.Split('\n').Length.ShouldBe(3);
        (await RunAsync(lane, "incidents", "list", "--kind", "log_diverged", "--worker", "worker")).Output.ShouldContain("another log");
        (await RunAsync(lane, "incidents", "show", "--id", "1")).Output.ShouldContain("\"more\": 1");
        (await RunAsync(lane, "incidents", "resolve", "--id", "2", "--dry-run")).Output.ShouldContain("would be resolved");
        (await lane.OpenIncidentsAsync()).Count.ShouldBe(2);
        (await RunAsync(lane, "incidents", "resolve", "--id", "2")).Code.ShouldBe(0);
        (await lane.OpenIncidentsAsync()).ShouldBe(["log_diverged"]);
        (await RunAsync(lane, "incidents", "list", "--all")).Output.ShouldContain(Environment.UserName);
        (await RunAsync(lane, "incidents", "resolve", "--id", "2")).Output.ShouldBe("No open incident matches.");
    }

    [Fact]
    public async Task What_still_stands_still_is_not_settled_but_let_go_on_elsewhere()
    {
        await using var lane = await BrokenAsync(() => true, r => r.HoldKey());
        await lane.Database.ExecuteAsync("""
            UPDATE onceward.consumer_offset SET state = 'stopped';
            INSERT INTO onceward.incident (subscription_id, partition, kind, detail) VALUES (1, 0, 'log_diverged', '{}'), (NULL, NULL, 'channel_diverged', '{"channel": 1}');
            """);
        var result = await RunAsync(lane, "incidents", "resolve", "--limit", "10", "--kind", "key_held");
        (result.Code, result.Output.Contains("onceward parked", StringComparison.Ordinal)).ShouldBe((ExitCodes.Refused, true));
        (await RunAsync(lane, "incidents", "resolve", "--kind", "log_diverged")).Output.ShouldContain("onceward offsets reset");
        (await RunAsync(lane, "incidents", "resolve", "--kind", "channel_diverged")).Output.ShouldContain("onceward outbox release");
        (await lane.OpenIncidentsAsync()).Count.ShouldBe(3);
        await lane.Database.ExecuteAsync("UPDATE onceward.consumer_offset SET state = 'running'");
        (await RunAsync(lane, "incidents", "resolve", "--kind", "log_diverged")).Code.ShouldBe(0);
    }

    [Fact]
    public async Task A_channel_that_stands_still_is_seen_and_released()
    {
        await using var lane = await TestLane.CreateAsync();
        lane.Claim(0);
        await lane.Database.ExecuteAsync("""
            UPDATE onceward.consumer_offset SET next_out_seq = 7;
            UPDATE onceward.outbox_channel SET relayed_seq = 5;
            INSERT INTO onceward.outbox (channel_id, seq, topic, value, headers) SELECT 1, n, 'out', convert_to('m' || n, 'utf8'), '' FROM generate_series(4, 6) n;
            """);
        (await RunAsync(lane, "outbox", "show")).Output.Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries).ShouldBe(["1", "worker", "orders", "0", "7", "5", "2", "running"]);
        (await RunAsync(lane, "outbox", "rows", "--channel", "1")).Output.ShouldContain("m6");
        var refused = await RunAsync(lane, "outbox", "release", "--channel", "1", "--from-seq", "5");
        (refused.Code, refused.Error.Contains("does not stand still", StringComparison.Ordinal)).ShouldBe((ExitCodes.Unusable, true));
        await lane.Database.ExecuteAsync("""INSERT INTO onceward.incident (kind, detail) VALUES ('channel_diverged', '{"channel": 1}')""");
        (await RunAsync(lane, "outbox", "show")).Output.ShouldContain("stands still");
        (await RunAsync(lane, "outbox", "release", "--channel", "1", "--from-seq", "5", "--dry-run")).Output.ShouldContain("would be released");
        (await RunAsync(lane, "outbox", "release", "--channel", "1", "--from-seq", "5")).Code.ShouldBe(0);
        (await lane.OpenIncidentsAsync()).ShouldBeEmpty();
        (await lane.Database.ColumnAsync<string>("SELECT o.seq || ' ' || convert_from(o.value, 'utf8') FROM onceward.outbox o JOIN onceward.consumer_offset c USING (channel_id) ORDER BY seq"))
            .ShouldBe(["0 m5", "1 m6"]);
        (await lane.Database.ScalarAsync<long>("SELECT next_out_seq FROM onceward.consumer_offset")).ShouldBe(2);
        (await RunAsync(lane, "outbox", "release", "--channel", "1", "--from-seq", "0")).Error.ShouldContain("no channel 1");
    }

    [Theory]
    [InlineData("incidents", "resolve")]
    [InlineData("parked", "retry")]
    [InlineData("parked", "discard")]
    [InlineData("dlq", "retry")]
    [InlineData("dlq", "discard")]
    public async Task A_change_that_names_nothing_is_refused(string group, string verb)
    {
        await using var lane = await TestLane.CreateAsync();
        var result = await RunAsync(lane, group, verb);
        result.Code.ShouldBe(ExitCodes.Unusable);
        result.Error.ShouldContain("Nothing was changed");
    }

    private static async Task<TestLane> BrokenAsync(Func<bool> isBroken, Action<RetryOptions>? retry = null)
    {
        var lane = await TestLane.CreateAsync(attempts: 2, retry: retry, script: new Script
        {
            Each = (value, context, _) =>
            {
                context.StageEffect(value);
                return value == "k:1" && isBroken() ? throw new InvalidOperationException(value) : ValueTask.CompletedTask;
            },
        });
        lane.ClaimKeyed(0, "k:1", "k:2");
        await lane.DrainAsync();
        return lane;
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(TestLane lane, params string[] args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        var code = await Tool.RunAsync([.. args, "--postgres", lane.Database.ConnectionString], output, error);
        return (code, output.ToString().Trim(), error.ToString().Trim());
    }
}
