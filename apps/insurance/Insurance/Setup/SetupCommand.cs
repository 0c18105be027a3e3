using Insurance.Hosting;
using Insurance.Kafka;
using Insurance.Sql;
using Npgsql;

namespace Insurance.Setup;

/// <summary><c>Insurance setup</c>: creates what the roles need. Running it again changes nothing.</summary>
internal static class SetupCommand
{
    public static async Task<int> RunAsync()
    {
        var settings = new SettingsReader(new ConfigurationBuilder().AddEnvironmentVariables().Build());
        var client = KafkaSettings.ReadClient(settings);
        var connection = settings.Optional(Database.Setting) is null ? null : Database.Read(settings);
        // A cluster of three on a small machine takes half a minute to form.
        var patience = TimeSpan.FromSeconds(settings.Number("INSURANCE_SETUP_TIMEOUT_SECONDS", fallback: 60, from: 1, to: 3600));
        if (!settings.IsValid)
        {
            foreach (var error in settings.Errors)
                await Console.Error.WriteLineAsync(error);
            return 1;
        }

        var topics = new TopicSetup(client, patience, TimeProvider.System);
        var failure = await CreateTopicsAsync(topics) ?? await InstallTablesAsync(connection, patience);
        if (failure is null)
            return 0;
        await Console.Error.WriteLineAsync(failure);
        return 1;
    }

    private static async Task<string?> InstallTablesAsync(NpgsqlConnectionStringBuilder? connection, TimeSpan patience)
    {
        if (connection is null)
        {
            // A gateway needs topics only, and may have no way to the database.
            await Console.Out.WriteLineAsync($"tables: left alone, as {Database.Setting} is not set");
            return null;
        }

        var tables = new TableSetup(connection, patience, TimeProvider.System);
        foreach (var line in await tables.RunAsync())
            await Console.Out.WriteLineAsync(line);
        return tables.Failure;
    }

    private static async Task<string?> CreateTopicsAsync(TopicSetup topics)
    {
        try
        {
            foreach (var line in await topics.RunAsync())
                await Console.Out.WriteLineAsync(line);
            return topics.Failure;
        }
        catch (SettingsException exception)
        {
            return exception.Message;
        }
    }
}
