using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Onceward.Ledger;
using Onceward.TestSupport;

namespace Onceward.Postgres.Ledger;

public sealed class LedgerSchemaTests
{
    [Theory]
    [InlineData("read committed")]
    [InlineData("repeatable read")]
    [InlineData("serializable")]
    public async Task Eight_processes_install_it_at_once_and_one_of_them_does(string isolation)
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync($"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''{isolation}''', current_database()); END $$");
        NpgsqlConnection.ClearAllPools();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => EnsureAsync(database))));
        await EnsureAsync(database);

        var scripts = typeof(LedgerSchema).Assembly.GetManifestResourceNames().Where(n => n.EndsWith(".sql", StringComparison.Ordinal)).ToArray();
        scripts.ShouldNotBeEmpty();
        (await database.ColumnAsync<string>("SELECT name FROM onceward.schema_version ORDER BY version"))
            .ShouldBe(scripts.Order(StringComparer.Ordinal).Select(s => s["Onceward.Ledger.Sql.".Length..]));
    }

    [Fact]
    public async Task A_newer_schema_is_refused()
    {
        await using var database = await TestDatabase.CreateAsync();
        await EnsureAsync(database);
        await database.ExecuteAsync("INSERT INTO onceward.schema_version (version, name) VALUES (99, 'of the future')");
        var error = await Should.ThrowAsync<OncewardException>(() => EnsureAsync(database));
        error.ErrorCode.ShouldBe(ErrorCodes.Schema);
        error.IsTransient.ShouldBeFalse();
        error.Message.ShouldContain("99");
        error.Message.ShouldContain("Deploy the newer one");
    }

    [Fact]
    public async Task Who_may_not_install_it_needs_it_installed()
    {
        await using var database = await TestDatabase.CreateAsync();
        var error = await Should.ThrowAsync<OncewardException>(() => EnsureAsync(database, install: false));
        error.ErrorCode.ShouldBe(ErrorCodes.Schema);
        error.Message.ShouldContain("InstallSchema");
        (await database.ScalarAsync<bool>("SELECT to_regnamespace('onceward') IS NULL")).ShouldBeTrue();

        await EnsureAsync(database);
        await EnsureAsync(database, install: false);
    }

    private static async Task EnsureAsync(TestDatabase database, bool install = true)
    {
        using var schema = new LedgerSchema(
            database.Source, Options.Create(new OncewardOptions { InstallSchema = install }), NullLogger<LedgerSchema>.Instance);
        await schema.EnsureAsync(default);
    }
}
