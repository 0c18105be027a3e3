using System.Reflection;
using Npgsql;

namespace Insurance.Sql;

/// <summary>Installs the schemas of the roles by the numbered scripts of this folder.</summary>
/// <remarks>
/// Any number of processes may run it at once: an advisory lock lets one of them work. The scripts not yet applied run in one transaction,
/// so a crash leaves the schema as it was. A script that was ever installed anywhere is never edited; the next one changes what it made.
/// </remarks>
internal sealed class SchemaInstaller(NpgsqlDataSource database)
{
    // "insuranc" in ASCII. Any number would do, as long as every version of this program takes the same.
    private const long AdvisoryLock = 0x696E737572616E63;
    private const string ResourcePrefix = "Insurance.Sql.";

    /// <summary>Returns the names of the scripts it applied.</summary>
    /// <exception cref="InvalidOperationException">The schema is newer than this program.</exception>
    public async Task<IReadOnlyList<string>> RunAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({AdvisoryLock})", cancellationToken);
        await ExecuteAsync(connection, CreateVersionTable, cancellationToken);
        var installed = await VersionAsync(connection, cancellationToken);
        var scripts = Scripts();
        if (installed > scripts[^1].Version)
            throw new InvalidOperationException($"The tables are at version {installed}, this program knows {scripts[^1].Version}: deploy the newer one.");
        var missing = scripts.FindAll(script => script.Version > installed);
        foreach (var (version, name, sql) in missing)
        {
            await ExecuteAsync(connection, sql, cancellationToken);
            await ExecuteAsync(connection, $"INSERT INTO insurance.schema_version (version, name) VALUES ({version}, '{name}')", cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return missing.ConvertAll(script => script.Name);
    }

    private static async Task<int> VersionAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT coalesce(max(version), 0) FROM insurance.schema_version", connection);
        return (int)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static List<(int Version, string Name, string Sql)> Scripts()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return [.. assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
            .Select(name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                var file = name[ResourcePrefix.Length..];
                return (int.Parse(file.AsSpan(0, 3)), file, reader.ReadToEnd());
            })
            .OrderBy(script => script.Item1)];
    }

    private const string CreateVersionTable = """
        CREATE SCHEMA IF NOT EXISTS insurance;
        CREATE TABLE IF NOT EXISTS insurance.schema_version (
            version int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
        """;
}
