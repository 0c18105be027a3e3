using Insurance.Hosting;
using Microsoft.Extensions.Configuration;

namespace Insurance.Gateway.Tests.Settings;

public sealed class SettingsAre
{
    private const string Token = "0123456789abcdef";

    [Fact]
    public void Enough_with_a_broker_and_a_token()
    {
        var (settings, errors) = Read(("KAFKA_BOOTSTRAP_SERVERS", "h:1"), ("INSURANCE_GATEWAY_TOKEN", Token));
        errors.ShouldBeEmpty();
        settings.Port.ShouldBe(5080);
        settings.Listen.ToString().ShouldBe("127.0.0.1");
    }

    [Fact]
    public void Refused_all_at_once_and_each_by_its_name()
    {
        var (_, errors) = Read(
            ("KAFKA_BOOTSTRAP_SERVERS", " "),
            ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
            ("KAFKA_SASL_MECHANISM", "MAGIC"),
            ("KAFKA_SSL_CA_LOCATION", "/nowhere/ca.pem"),
            ("KAFKA_PRODUCER_ACKS", "1"),
            ("INSURANCE_LISTEN", "localhost"),
            ("INSURANCE_GRPC_PORT", "65536"));
        errors.Select(error => error.Split(' ')[0]).ShouldBe(
            [
                "KAFKA_PRODUCER_ACKS", "KAFKA_BOOTSTRAP_SERVERS", "KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD",
                "KAFKA_SSL_CA_LOCATION", "INSURANCE_LISTEN", "INSURANCE_GRPC_PORT", "INSURANCE_GATEWAY_TOKEN",
            ]);
    }

    [Theory]
    [InlineData("0123456789abcde")]
    [InlineData("0123456789 abcdef")]
    [InlineData("0123456789abcdéf")]
    public void Refused_for_a_weak_or_unsendable_token_without_repeating_it(string token)
    {
        var error = Read(("KAFKA_BOOTSTRAP_SERVERS", "h:1"), ("INSURANCE_GATEWAY_TOKEN", token)).Errors.ShouldHaveSingleItem();
        error.ShouldStartWith("INSURANCE_GATEWAY_TOKEN");
        error.ShouldNotContain(token);
    }

    [Fact]
    public void Handed_to_the_client_by_its_own_names()
    {
        var (settings, errors) = Read(
            ("KAFKA_BOOTSTRAP_SERVERS", "h:1"),
            ("KAFKA_SECURITY_PROTOCOL", "sasl_plaintext"),
            ("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
            ("KAFKA_SASL_USERNAME", "u"),
            ("KAFKA_SASL_PASSWORD", "p"),
            ("INSURANCE_GATEWAY_TOKEN", Token));
        errors.ShouldBeEmpty();
        settings.Kafka.Select(pair => $"{pair.Key}={pair.Value}").ShouldBe(
            [
                "bootstrap.servers=h:1", "security.protocol=SASL_PLAINTEXT", "sasl.mechanism=SCRAM-SHA-512",
                "sasl.username=u", "sasl.password=p",
            ],
            ignoreOrder: true);
    }

    private static (GatewaySettings Settings, List<string> Errors) Read(params (string Name, string? Value)[] values)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(values.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)))
            .Build();
        var reader = new SettingsReader(configuration);
        var settings = GatewaySettings.Read(reader);
        return (settings, reader.Errors.ToList());
    }
}
