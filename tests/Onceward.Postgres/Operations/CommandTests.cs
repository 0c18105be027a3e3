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

    [Theory]
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
