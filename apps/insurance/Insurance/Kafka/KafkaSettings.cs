using Confluent.Kafka;
using Insurance.Hosting;

namespace Insurance.Kafka;

/// <summary>The conventional <c>KAFKA_*</c> variables as client settings.</summary>
internal static class KafkaSettings
{
    private static readonly string[] Mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

    /// <summary>What every client needs to reach the cluster. Each client gets a copy of its own.</summary>
    public static ClientConfig ReadClient(SettingsReader settings)
    {
        var client = new ClientConfig
        {
            BootstrapServers = settings.Required("KAFKA_BOOTSTRAP_SERVERS", "the brokers to start from, as host:port[,host:port…]"),
        };
        var protocol = settings.Choice("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT", "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL");
        client.Set("security.protocol", protocol);
        if (protocol.StartsWith("SASL", StringComparison.Ordinal))
        {
            client.Set("sasl.mechanism", settings.Choice("KAFKA_SASL_MECHANISM", "PLAIN", Mechanisms));
            client.SaslUsername = settings.Required("KAFKA_SASL_USERNAME", $"KAFKA_SECURITY_PROTOCOL is {protocol}");
            client.SaslPassword = settings.Required("KAFKA_SASL_PASSWORD", $"KAFKA_SECURITY_PROTOCOL is {protocol}");
        }

        if (settings.Optional("KAFKA_SSL_CA_LOCATION") is { } authorities)
        {
            if (!Path.Exists(authorities))
                settings.Refuse("KAFKA_SSL_CA_LOCATION", $"is '{authorities}', where there is no file.");
            client.SslCaLocation = authorities;
        }

        return client;
    }

    /// <summary>Builds a client; only librdkafka knows whether a certificate can be read, or a mechanism is there.</summary>
    public static T Build<T>(Func<T> build)
    {
        try
        {
            return build();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            throw new SettingsException($"The KAFKA_* settings are refused: {exception.Message}", exception);
        }
    }

    /// <summary>Refuses acknowledgement levels under which an accepted event could be lost.</summary>
    public static void RequireAllAcks(SettingsReader settings)
    {
        if (settings.Optional("KAFKA_PRODUCER_ACKS") is { } acks && acks is not ("all" or "-1"))
            settings.Refuse("KAFKA_PRODUCER_ACKS", $"is '{acks}'; only 'all' keeps the promise that an accepted event survives a broker.");
    }
}
