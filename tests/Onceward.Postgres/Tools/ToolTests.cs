using Onceward.Cli;
using Onceward.TestSupport;

namespace Onceward.Postgres.Tools;

public sealed class ToolTests
{
    [Fact]
    public async Task A_database_without_a_ledger_is_named_as_such()
    {
        await using var database = await TestDatabase.CreateAsync();
        (await RunAsync("offsets", "show", "--postgres", database.ConnectionString)).ShouldBe((ExitCodes.Unusable, "", "The database has no schema onceward: it is another database, or no worker has started on it yet.\n"));
    }

    [Fact]
    public async Task A_ledger_of_another_version_is_left_alone()
    {
        await using var lane = await TestLane.CreateAsync();
        await lane.Database.ExecuteAsync("INSERT INTO onceward.schema_version (version, name) VALUES (99, 'of the future')");
        var (status, _, error) = await RunAsync("offsets", "show", "--postgres", lane.Database.ConnectionString);
        status.ShouldBe(ExitCodes.Unusable);
        error.ShouldContain("version 99");
    }

    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Timeout=2", "127.0.0.1:1")]
    [InlineData("no connection string", "cannot be read")]
    public async Task What_is_no_database_costs_one_line(string connection, string says)
    {
        var (status, output, error) = await RunAsync("offsets", "show", "--postgres", connection);
        status.ShouldBe(ExitCodes.Unusable);
        output.ShouldBeEmpty();
        error.ShouldContain(says);
        error.Trim().ShouldNotContain("\n");
    }

    [Fact]
    public async Task Without_a_broker_the_ledger_alone_is_shown()
    {
        await using var lane = await TestLane.CreateAsync();
        lane.Claim(3);
        await lane.Database.ExecuteAsync("INSERT INTO onceward.incident (subscription_id, partition, kind) VALUES (1, 3, 'log_diverged')");
        var (status, output, _) = await RunAsync("offsets", "show", "--postgres", lane.Database.ConnectionString, "--kafka", "");
        status.ShouldBe(ExitCodes.Fine);
        output.Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries).ShouldBe(["worker", "orders", "3", "0", "-", "-", "1", "running", "me", "log_diverged"]);
        (await RunAsync("offsets", "show", "--worker", "nobody", "--postgres", lane.Database.ConnectionString)).Output.ShouldStartWith("No worker");
    }

    internal static async Task<(int Status, string Output, string Error)> RunAsync(params string[] args)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        var status = await Tool.RunAsync(args, output, error);
        return (status, output.ToString(), error.ToString());
    }
}
