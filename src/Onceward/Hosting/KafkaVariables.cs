using Microsoft.Extensions.Configuration;

namespace Onceward.Hosting;

/// <summary>The environment variables that deployments of Kafka clients conventionally set.</summary>
internal static class KafkaVariables
{
    private static readonly (string Variable, string Setting)[] s_clientSettings =
    [
        ("KAFKA_SECURITY_PROTOCOL", "security.protocol"),
        ("KAFKA_SASL_MECHANISM", "sasl.mechanism"),
        ("KAFKA_SASL_USERNAME", "sasl.username"),
        ("KAFKA_SASL_PASSWORD", "sasl.password"),
        ("KAFKA_SSL_CA_LOCATION", "ssl.ca.location"),
        ("KAFKA_SSL_CERTIFICATE_LOCATION", "ssl.certificate.location"),
        ("KAFKA_SSL_KEY_LOCATION", "ssl.key.location"),
        ("KAFKA_SSL_KEY_PASSWORD", "ssl.key.password"),
    ];

    /// <summary>Takes over what is set. It runs before the application's own settings, which therefore win.</summary>
    public static void Apply(OncewardOptions options, IConfiguration configuration)
    {
        options.BootstrapServers = configuration["KAFKA_BOOTSTRAP_SERVERS"] ?? options.BootstrapServers;
        options.GroupIdPrefix = configuration["KAFKA_CONSUMER_GROUP_ID"] ?? options.GroupIdPrefix;
        foreach (var (variable, setting) in s_clientSettings)
            if (configuration[variable] is { Length: > 0 } value)
                options.Client[setting] = value;
        // Everything published here must survive the loss of a broker, so a weaker wish is refused rather than followed.
        if (configuration["KAFKA_PRODUCER_ACKS"] is { Length: > 0 } acks && acks is not ("all" or "-1"))
            throw new OncewardException(ErrorCodes.Configuration, $"KAFKA_PRODUCER_ACKS is '{acks}'; the outbox needs 'all', or messages could be lost.");
        configuration.GetSection("Onceward").Bind(options);
    }
}
