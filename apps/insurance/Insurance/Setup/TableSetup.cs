using Insurance.Sql;
using Npgsql;

namespace Insurance.Setup;

/// <summary>Installs the tables of the roles, or brings them up to date.</summary>
/// <remarks>While the database does not answer, it tries again until its patience ends.</remarks>
internal sealed class TableSetup(NpgsqlConnectionStringBuilder connection, TimeSpan patience, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>One line; null where all went well.</summary>
    public string? Failure { get; private set; }

    public async Task<IReadOnlyList<string>> RunAsync()
    {
        await using var database = Database.Open(connection);
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                var applied = await new SchemaInstaller(database).RunAsync(CancellationToken.None);
                return applied.Count == 0 ? ["tables: up to date"] : [.. applied.Select(script => $"tables: applied {script}")];
            }
            catch (NpgsqlException exception) when (exception.IsTransient && time.GetElapsedTime(started) < patience)
            {
                await Task.Delay(Pause, time);
            }
            catch (Exception exception) when (exception is NpgsqlException or InvalidOperationException)
            {
                Failure = $"The tables could not be installed at {connection.Host}:{connection.Port}/{connection.Database}: {exception.Message}";
                return [];
            }
        }
    }
}
