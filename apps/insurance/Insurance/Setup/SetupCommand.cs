using Insurance.Hosting;
using Insurance.Kafka;

namespace Insurance.Setup;

/// <summary><c>Insurance setup</c>: creates what the roles need. Running it again changes nothing.</summary>
internal static class SetupCommand
{
    public static async Task<int> RunAsync()
    {
        var settings = new SettingsReader(new ConfigurationBuilder().AddEnvironmentVariables().Build());
        var client = KafkaSettings.ReadClient(settings);
        // A cluster of three on a small machine takes half a minute to form.
        var patience = TimeSpan.FromSeconds(settings.Number("INSURANCE_SETUP_TIMEOUT_SECONDS", fallback: 60, from: 1, to: 3600));
        if (!settings.IsValid)
        {
            foreach (var error in settings.Errors)
                await Console.Error.WriteLineAsync(error);
            return 1;
        }

        var topics = new TopicSetup(client, patience, TimeProvider.System);
        foreach (var line in await topics.RunAsync())
            await Console.Out.WriteLineAsync(line);
        if (topics.Failure is null)
            return 0;
        await Console.Error.WriteLineAsync(topics.Failure);
        return 1;
    }
}
