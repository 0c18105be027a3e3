using System.Net;
using Confluent.Kafka;
using Insurance.Hosting;
using Insurance.Kafka;

namespace Insurance.Gateway;

/// <summary>The gateway's settings, read from the environment.</summary>
internal sealed record GatewaySettings(ClientConfig Kafka, IPAddress Listen, int Port, BearerToken Token)
{
    /// <summary>128 bits, if every character carries one byte of randomness; less invites guessing.</summary>
    private const int MinTokenLength = 16;

    public static GatewaySettings Read(SettingsReader settings)
    {
        KafkaSettings.RequireAllAcks(settings);
        return new GatewaySettings(
            KafkaSettings.ReadClient(settings),
            settings.Address("INSURANCE_LISTEN", IPAddress.Loopback),
            settings.Number("INSURANCE_GRPC_PORT", fallback: 5080, from: 0, to: ushort.MaxValue),
            ReadToken(settings));
    }

    private static BearerToken ReadToken(SettingsReader settings)
    {
        const string name = "INSURANCE_GATEWAY_TOKEN";
        var token = settings.Required(name, $"the secret that callers send, at least {MinTokenLength} characters");
        // The value itself stays out of every message.
        if (token.Length is > 0 and < MinTokenLength)
            settings.Refuse(name, $"has {token.Length} characters; it must have at least {MinTokenLength}.");
        if (token.AsSpan().ContainsAnyExceptInRange('!', '~'))
            settings.Refuse(name, "has characters that a header cannot carry; it must be printable ASCII without spaces.");
        return new BearerToken(token);
    }
}
