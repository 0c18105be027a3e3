using Insurance.Hosting;
using Insurance.Sql;
using Microsoft.Extensions.Configuration;
using Onceward.TestSupport;

namespace Insurance.Tests.Sql;

public sealed class Schemas
{
    [Fact]
    public async Task Scripts_are_applied_once_however_many_processes_start_together()
    {
        await using var database = await TestDatabase.CreateAsync();
        var runs = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => new SchemaInstaller(database.Source).RunAsync(CancellationToken.None)));
        runs.SelectMany(applied => applied).ShouldBe(["001_underwriting.sql", "002_billing.sql"]);
        (await database.ColumnAsync<int>("SELECT version FROM insurance.schema_version ORDER BY 1")).ShouldBe([1, 2]);
    }

    [Fact]
    public async Task A_program_older_than_the_tables_leaves_them_alone()
    {
        await using var database = await TestDatabase.CreateAsync();
        await new SchemaInstaller(database.Source).RunAsync(CancellationToken.None);
        await database.ExecuteAsync("INSERT INTO insurance.schema_version (version, name) VALUES (999, 'later')");
        await Should.ThrowAsync<InvalidOperationException>(() => new SchemaInstaller(database.Source).RunAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Nothing_in_the_counted_tables_could_hide_a_repetition()
    {
        await using var database = await TestDatabase.CreateAsync();
        await new SchemaInstaller(database.Source).RunAsync(CancellationToken.None);
        (await database.ColumnAsync<string>("""
            SELECT indexrelid::regclass::text FROM pg_index
            WHERE indisunique AND indrelid IN ('underwriting.decision'::regclass, 'billing.contract_event'::regclass, 'billing.entry'::regclass)
            """)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("Host=db;Database=d", 50, "insurance")]
    [InlineData("Host=db;Database=d;Max Auto Prepare=7;Application Name=mine", 7, "mine")]
    [InlineData("Host=db;Database=d;Max Auto Prepare=0", 0, "insurance")]
    [InlineData("Host=db;Database=d;MaxAutoPrepare=0", 0, "insurance")]
    public void A_connection_string_keeps_what_it_says(string text, int maxAutoPrepare, string applicationName)
    {
        var (connection, errors) = Read(text);
        errors.ShouldBeEmpty();
        (connection.MaxAutoPrepare, connection.ApplicationName).ShouldBe((maxAutoPrepare, applicationName));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Host=db;Pasword=secret")]
    public void A_connection_string_that_is_none_is_refused_without_being_shown(string? text)
    {
        var error = Read(text).Errors.ShouldHaveSingleItem();
        error.ShouldStartWith("ONCEWARD_POSTGRES ");
        error.ShouldNotContain("secret");
    }

    private static (Npgsql.NpgsqlConnectionStringBuilder Connection, IEnumerable<string> Errors) Read(string? text)
    {
        var settings = new SettingsReader(new ConfigurationBuilder().AddInMemoryCollection([new("ONCEWARD_POSTGRES", text)]).Build());
        return (Database.Read(settings), settings.Errors);
    }
}
