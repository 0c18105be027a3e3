using Npgsql;

namespace Onceward.Bench;

/// <summary>A database for one run, dropped after it.</summary>
internal sealed class BenchDatabase : IAsyncDisposable
{
    private readonly string _server;
    private readonly string _name;

    private BenchDatabase(string server, string name)
    {
        (_server, _name) = (server, name);
        ConnectionString = new NpgsqlConnectionStringBuilder(server) { Database = name, ApplicationName = "onceward-bench" }.ConnectionString;
        Source = NpgsqlDataSource.Create(ConnectionString);
    }

    public string ConnectionString { get; }

    /// <summary>For watching and checking; contenders have their own.</summary>
    public NpgsqlDataSource Source { get; }

    public static async Task<BenchDatabase> CreateAsync(string server, string setup)
    {
        var database = new BenchDatabase(server, $"bench_{Guid.NewGuid():N}");
        await using (var admin = NpgsqlDataSource.Create(server))
            await ExecuteAsync(admin, $"CREATE DATABASE {database._name}");
        await ExecuteAsync(database.Source, Event.CreateTable);
        if (setup.Length > 0)
            await ExecuteAsync(database.Source, setup);
        // What the run before left to be written is not this one's burden.
        await ExecuteAsync(database.Source, "CHECKPOINT");
        return database;
    }

    /// <summary>Throws unless every record of the topic has had its effect once.</summary>
    /// <returns>The number of transactions that it took.</returns>
    public async Task<long> CheckAsync(BenchTopic topic)
    {
        await using var command = Source.CreateCommand("""
            SELECT count(*), count(DISTINCT (partition, "offset")), coalesce(sum(amount), 0)::bigint, coalesce(sum(length(payload)), 0),
                   count(DISTINCT xmin::text) FROM effect
            """);
        // Millions of rows are sorted, on a machine that has just had them to write.
        command.CommandTimeout = 600;
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        var found = (Rows: reader.GetInt64(0), Distinct: reader.GetInt64(1), Amount: reader.GetInt64(2), Bytes: reader.GetInt64(3));
        var expected = (Rows: (long)topic.Count, Distinct: (long)topic.Count, Amount: Event.AmountOfAll(topic.Count), Bytes: (long)topic.Count * topic.ValueBytes);
        if (found != expected)
            throw new InvalidOperationException(
                $"Not exactly once: rows, distinct ones, amounts and bytes are {found}, not {expected}.");
        return reader.GetInt64(4);
    }

    public async Task<string> ScalarAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        return (string)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await using var admin = NpgsqlDataSource.Create(_server);
        await ExecuteAsync(admin, $"DROP DATABASE IF EXISTS {_name} WITH (FORCE)");
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        command.CommandTimeout = 120;
        await command.ExecuteNonQueryAsync();
    }
}
