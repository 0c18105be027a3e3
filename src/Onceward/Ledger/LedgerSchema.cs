using System.Reflection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Onceward.Ledger;

/// <summary>Installs the schema <c>onceward</c> and brings it up to date, by numbered scripts that are part of the assembly.</summary>
/// <remarks>
/// <b>Concurrency:</b> any number of processes may start at once; a transaction-scoped advisory lock lets one of them work. <b>Crash:</b> all
/// scripts run in one transaction, so the schema is at a version or at the one before, never between.
/// </remarks>
internal sealed partial class LedgerSchema(NpgsqlDataSource database, IOptions<OncewardOptions> options, ILogger<LedgerSchema> logger)
    : IDisposable
{
    // "onceward" in ASCII. Any number would do, as long as every version of this program takes the same.
    private const long AdvisoryLock = 0x6F6E636577617264;
    private const string ResourcePrefix = "Onceward.Ledger.Sql.";

    private readonly SemaphoreSlim _once = new(1, 1);
    private bool _isCurrent;

    /// <summary>Returns once the schema is at this program's version.</summary>
    /// <exception cref="OncewardException">The schema is newer than this program, or may not be installed and is older.</exception>
    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        await _once.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_isCurrent)
                return;
            await MigrateAsync(cancellationToken).ConfigureAwait(false);
            _isCurrent = true;
        }
        finally
        {
            _once.Release();
        }
    }

    public void Dispose() => _once.Dispose();

    /// <summary>For tools, which neither install nor migrate: the schema is there and at this program's version.</summary>
    /// <exception cref="OncewardException">It is not.</exception>
    public static async Task RequireCurrentAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var needed = Scripts()[^1].Version;
        var installed = await InstalledAsync(database, cancellationToken).ConfigureAwait(false);
        if (installed.Count == 0)
            throw new OncewardException(ErrorCodes.Schema, "The database has no schema onceward: it is another database, or no worker has started on it yet.");
        if (!installed.SetEquals(Scripts().Select(s => s.Version)))
            throw new OncewardException(
                ErrorCodes.Schema, $"The schema onceward is at version {installed.Max}, this program knows {needed}: use the program of the version that the workers run.");
    }

    private async Task MigrateAsync(CancellationToken cancellationToken)
    {
        var scripts = Scripts();
        var newest = scripts[^1].Version;
        var installed = await InstalledAsync(database, cancellationToken).ConfigureAwait(false);
        if (installed.Max > newest)
            throw new OncewardException(
                ErrorCodes.Schema, $"The schema onceward is at version {installed.Max}, this program knows {newest}: an older program must not write to it. Deploy the newer one.");
        if (installed.IsSupersetOf(scripts.Select(s => s.Version)))
            return;
        if (!options.Value.InstallSchema)
            throw new OncewardException(
                ErrorCodes.Schema, $"The schema onceward is at version {installed.Max}, this program needs {newest}, and InstallSchema is off: start one process with it on, under a role that may create tables.");

        var connection = await database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = connection.ConfigureAwait(false);
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = transaction.ConfigureAwait(false);
        await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({AdvisoryLock})", cancellationToken).ConfigureAwait(false);
        await ExecuteAsync(connection, CreateVersionTable, cancellationToken).ConfigureAwait(false);
        installed = await VersionsAsync(connection, cancellationToken).ConfigureAwait(false);
        foreach (var (version, name, sql) in scripts.Where(s => !installed.Contains(s.Version)))
        {
            await ExecuteAsync(connection, sql, cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(connection, $"INSERT INTO onceward.schema_version (version, name) VALUES ({version}, '{name}')", cancellationToken).ConfigureAwait(false);
            LogApplied(logger, name);
        }
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task<SortedSet<int>> InstalledAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var connection = await database.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = connection.ConfigureAwait(false);
        var command = new NpgsqlCommand("SELECT to_regclass('onceward.schema_version') IS NOT NULL", connection);
        await using var __ = command.ConfigureAwait(false);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!
            ? await VersionsAsync(connection, cancellationToken).ConfigureAwait(false)
            : [];
    }

    /// <summary>All of them and not the highest: scripts that were written side by side may have been merged in another order.</summary>
    private static async Task<SortedSet<int>> VersionsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand("SELECT version FROM onceward.schema_version", connection);
        await using var _ = command.ConfigureAwait(false);
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var __ = reader.ConfigureAwait(false);
        var versions = new SortedSet<int>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            versions.Add(reader.GetInt32(0));
        return versions;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, connection);
        await using var _ = command.ConfigureAwait(false);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
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
        CREATE SCHEMA IF NOT EXISTS onceward;
        CREATE TABLE IF NOT EXISTS onceward.schema_version (
            version int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
        """;

    [LoggerMessage(EventIds.LedgerMigrated, LogLevel.Information, "The ledger was brought up to {Script}")]
    private static partial void LogApplied(ILogger logger, string script);
}
