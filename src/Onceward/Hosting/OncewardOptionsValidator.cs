using Microsoft.Extensions.Options;

namespace Onceward.Hosting;

/// <summary>Checks the shared settings on start and names everything that is wrong at once.</summary>
internal sealed class OncewardOptionsValidator : IValidateOptions<OncewardOptions>
{
    public ValidateOptionsResult Validate(string? name, OncewardOptions options)
    {
        List<string> errors = [];
        if (options.BootstrapServers.Length == 0)
            errors.Add("BootstrapServers is empty: set it, or KAFKA_BOOTSTRAP_SERVERS, to host:port of the cluster.");
        if (!TopicName.IsLegal(options.Application + RelayTopicSuffix))
            errors.Add($"Application '{options.Application}' names topics, so it may have letters, digits, '.', '_' and '-' only, 240 at most.");
        if (options.MaxMessageBytes is < 1024 or > 64 * 1024 * 1024)
            errors.Add($"MaxMessageBytes is {options.MaxMessageBytes}; it must lie between 1 KiB and 64 MiB, and below the topics' max.message.bytes.");
        if (options.Relay.Slots is < 1 or > 128)
            errors.Add($"Relay.Slots is {options.Relay.Slots}; it must lie between 1 and 128: each is a producer.");
        if (options.Relay.MaxRows is < 1 or > 50_000)
            errors.Add($"Relay.MaxRows is {options.Relay.MaxRows}; it must lie between 1 and 50,000, below the producer's queue.");
        if (options.Relay.TransactionTimeout < TimeSpan.FromSeconds(5) || options.Relay.TransactionTimeout > TimeSpan.FromMinutes(15))
            errors.Add($"Relay.TransactionTimeout is {options.Relay.TransactionTimeout}; brokers accept up to 15 minutes, and below 5 s a slow disk aborts it.");
        if (options.Relay.IdleDelay <= TimeSpan.Zero || options.Relay.IdleDelay > TimeSpan.FromMinutes(1))
            errors.Add($"Relay.IdleDelay is {options.Relay.IdleDelay}; it must lie above zero, or an idle slot would never rest, and up to a minute.");
        if (options.Relay.SnapshotEvery < 1)
            errors.Add($"Relay.SnapshotEvery is {options.Relay.SnapshotEvery}; it must be 1 transaction at least.");
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    internal const string RelayTopicSuffix = ".relay";
}
